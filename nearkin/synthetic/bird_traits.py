"""How bird genera and species differ: build, palette, plumage and head markings."""

from typing import NotRequired, TypedDict, cast

import numpy as np

from nearkin.synthetic.paint import Hsv, hsv


class BirdBuild(TypedDict):
    """The build of a genus; lengths in units of about one bird."""

    plump: float
    head: float  # radius
    neck: float
    bill: tuple[str, float, float]  # kind, length, depth at its root
    tail: tuple[str, float, float]  # kind, length, width
    legs: float
    posture: float  # how steeply the body stands, in radians
    crest: float


class BirdGenus(BirdBuild):
    """What all species of a genus share."""

    plumage: str
    palette: tuple[Hsv, Hsv, Hsv, Hsv]  # back, breast, belly, wing
    ink: np.ndarray  # RGB, 0 to 1, as the other colours
    light: np.ndarray
    accent: np.ndarray
    bill_colour: np.ndarray
    face: int
    base_count: int
    wing_bars: int
    accent_cap: bool
    tail_light: bool


class BirdTraits(BirdGenus):
    """One species, as `birds.draw` draws it."""

    count: int  # of the parts of its pattern
    offset: float  # of the pattern along the body
    width: float  # of the pattern, relative to the genus
    hue: float
    brow: bool
    mask: bool
    cap: bool
    pattern_seed: int
    bill_length: float
    dull: NotRequired[float]  # factor of the saturation


_BUILD = ("plump", "head", "neck", "bill", "tail", "legs", "posture", "crest")
_BUILDS = (
    (0.7, 0.155, 0.02, ("cone", 0.11, 0.1), ("notched", 0.34, 0.08), 0.1, 0.45, 0.0),  # finch
    (0.58, 0.125, 0.02, ("thin", 0.1, 0.035), ("straight", 0.36, 0.07), 0.13, 0.35, 0.0),  # warbler
    (0.6, 0.175, 0.0, ("dagger", 0.33, 0.085), ("straight", 0.17, 0.09), 0.04, 0.75, 0.6),  # kingfisher
    (0.62, 0.135, 0.04, ("thin", 0.14, 0.055), ("straight", 0.38, 0.1), 0.17, 0.55, 0.0),  # thrush
    (0.56, 0.105, 0.17, ("curved", 0.34, 0.045), ("straight", 0.17, 0.09), 0.4, 0.25, 0.0),  # wader
    (0.52, 0.145, 0.03, ("dagger", 0.17, 0.085), ("round", 0.5, 0.12), 0.15, 0.5, 1.0),  # jay
    (0.54, 0.165, 0.02, ("hook", 0.12, 0.15), ("pointed", 0.62, 0.09), 0.05, 0.95, 0.0),  # parrot
    (0.78, 0.145, 0.0, ("curved", 0.13, 0.035), ("cocked", 0.24, 0.09), 0.13, 0.2, 0.0),  # wren
    (0.52, 0.16, 0.03, ("great", 0.42, 0.16), ("straight", 0.36, 0.12), 0.06, 0.7, 0.0),  # toucan
)


PALETTES: tuple[tuple[Hsv, Hsv, Hsv, Hsv], ...] = (  # shared by many genera
    ((0.09, 0.4, 0.42), (0.1, 0.25, 0.8), (0.12, 0.08, 0.95), (0.08, 0.45, 0.32)),
    ((0.6, 0.5, 0.48), (0.58, 0.12, 0.85), (0.58, 0.03, 0.97), (0.6, 0.45, 0.36)),
    ((0.2, 0.5, 0.46), (0.15, 0.65, 0.9), (0.15, 0.35, 0.96), (0.18, 0.45, 0.36)),
    ((0.05, 0.6, 0.5), (0.04, 0.72, 0.85), (0.08, 0.2, 0.94), (0.07, 0.5, 0.33)),
    ((0.6, 0.06, 0.4), (0.6, 0.03, 0.68), (0.6, 0.02, 0.94), (0.6, 0.08, 0.28)),
    ((0.33, 0.5, 0.42), (0.25, 0.4, 0.72), (0.17, 0.25, 0.9), (0.36, 0.5, 0.3)),
)


LENGTH = 0.31  # half the length of the body


PLUMAGES = ("streaked", "collared", "spotted", "barred", "bibbed", "plain", "girdled")


def genus_traits(rng: np.random.Generator, number: int) -> BirdGenus:
    """What all species of the `number`-th bird genus share: build, kind of plumage, palette."""
    build = cast(BirdBuild, dict(zip(_BUILD, _BUILDS[number % len(_BUILDS)], strict=True)))
    for key in ("plump", "head"):
        build[key] *= rng.uniform(0.95, 1.05)
    return {
        **build,
        "plumage": PLUMAGES[(number * 3 + number // len(PLUMAGES)) % len(PLUMAGES)],
        "palette": PALETTES[rng.integers(len(PALETTES))],
        "ink": hsv(rng.choice([0.07, 0.6, 0.0]), 0.4, 0.14),
        "light": hsv(0.12, 0.08, 0.96),
        "accent": hsv(rng.choice([0.0, 0.1, 0.14, 0.58]), 0.75, 0.82),
        "bill_colour": hsv(rng.choice([0.1, 0.07, 0.6, 0.0]), rng.uniform(0.2, 0.8), rng.uniform(0.25, 0.85)),
        "face": int(rng.integers(4)),
        "base_count": int(rng.integers(3)),
        "wing_bars": int(rng.integers(3)),
        "accent_cap": rng.random() < 0.35,
        "tail_light": rng.random() < 0.4,
    }


def species_traits(rng: np.random.Generator, genus: BirdGenus, rank: int) -> BirdTraits:
    """One species: its genus's traits with its own head markings, wing bars and width of the pattern."""
    return {
        **genus,
        "count": genus["base_count"] + rank,
        "offset": 0.1 * ((rank % 3) - 1) + rng.uniform(-0.04, 0.04),
        "width": rng.uniform(0.92, 1.08) * (1.0, 0.86, 1.15)[rank % 3],
        "hue": rng.uniform(-0.02, 0.02),
        "brow": genus["face"] % 2 == 0,
        "mask": genus["face"] == 1 or (genus["face"] == 2 and rank == 1),
        "cap": (genus["base_count"] + rank) % 3 == 0,
        "wing_bars": genus["wing_bars"] if rank != 1 else (genus["wing_bars"] + 1) % 3,
        "tail_light": genus["tail_light"] ^ (rng.random() < 0.15),
        "pattern_seed": int(rng.integers(2**31)),
        "bill_length": rng.uniform(0.93, 1.07),
    }
