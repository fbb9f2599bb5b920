"""How fish genera and species differ: build, palette, kind and size of the markings."""

from typing import TypedDict, cast

import numpy as np

from nearkin.synthetic.paint import Hsv, hsv


class FishBuild(TypedDict):
    """The build of a genus; lengths in bodies."""

    depth: float
    peak: float  # where the body is deepest
    blunt: float  # how blunt the head is
    snout: float
    peduncle: float
    tail: str
    reach: float  # of the tail
    eye: float
    dorsal: tuple[tuple[float, float, float, float], ...]
    """Of each fin: from where to where, height, and sweep (0: spines, below 0: a sickle)."""
    anal: tuple[float, float, float]  # from where to where, and height


class FishGenus(FishBuild):
    """What all species of a genus share."""

    marks: str
    palette: tuple[Hsv, Hsv, Hsv, Hsv]  # back, flank, belly, fins
    ink: np.ndarray  # RGB, 0 to 1, as `light`
    light: np.ndarray
    base_count: int
    slope: float
    eye_bar: bool
    fin_edge: bool
    tail_spot: bool
    dark_tail: bool


class FishTraits(FishGenus):
    """One species, as `fish.draw` draws it."""

    rank: int
    count: int  # of the markings
    offset: float  # of the markings along or across the body
    width: float  # of the markings, relative to the genus
    hue: float
    pattern_seed: int


_BUILD = ("depth", "peak", "blunt", "snout", "peduncle", "tail", "reach", "eye", "dorsal", "anal")
_BUILDS = (
    # butterflyfish
    (0.64, 0.42, 0.2, 0.07, 0.2, "straight", 0.16, 0.042, ((0.3, 0.9, 0.13, 0.9),), (0.58, 0.9, 0.14)),
    # angelfish
    (0.6, 0.48, 0.55, 0.0, 0.22, "round", 0.2, 0.036, ((0.32, 0.92, 0.3, 1.6),), (0.6, 0.92, 0.28)),
    # wrasse
    (0.27, 0.36, 0.5, 0.02, 0.46, "round", 0.2, 0.028, ((0.27, 0.92, 0.075, 0.3),), (0.52, 0.9, 0.07)),
    # grouper
    (0.38, 0.36, 0.75, 0.0, 0.36, "round", 0.22, 0.034,
     ((0.3, 0.62, 0.12, 0.0), (0.62, 0.9, 0.15, 0.8)), (0.64, 0.86, 0.14)),
    # snapper
    (0.4, 0.32, 0.45, 0.03, 0.26, "fork", 0.26, 0.04,
     ((0.27, 0.6, 0.13, 0.0), (0.6, 0.87, 0.1, 0.4)), (0.64, 0.84, 0.11)),
    # surgeonfish
    (0.5, 0.42, 0.85, 0.0, 0.15, "moon", 0.27, 0.03, ((0.2, 0.93, 0.11, 0.5),), (0.4, 0.92, 0.1)),
    # jack
    (0.3, 0.38, 0.4, 0.02, 0.13, "moon", 0.3, 0.032,
     ((0.27, 0.42, 0.1, -0.3), (0.48, 0.92, 0.16, -1.6)), (0.52, 0.92, 0.15)),
    # damselfish
    (0.46, 0.4, 0.7, 0.0, 0.3, "fork", 0.24, 0.05, ((0.28, 0.88, 0.13, 0.8),), (0.58, 0.86, 0.15)),
    # goby
    (0.2, 0.24, 0.8, 0.0, 0.5, "round", 0.2, 0.036,
     ((0.3, 0.46, 0.16, -0.5), (0.5, 0.92, 0.12, 0.4)), (0.54, 0.9, 0.1)),
)  # fmt: skip


# Shared by many genera, so that colour alone identifies no species.
PALETTES: tuple[tuple[Hsv, Hsv, Hsv, Hsv], ...] = (
    ((0.58, 0.45, 0.5), (0.57, 0.2, 0.78), (0.12, 0.04, 0.96), (0.56, 0.25, 0.7)),
    ((0.12, 0.75, 0.8), (0.14, 0.6, 0.95), (0.14, 0.2, 0.98), (0.13, 0.75, 0.9)),
    ((0.05, 0.8, 0.75), (0.07, 0.75, 0.95), (0.1, 0.3, 0.98), (0.08, 0.8, 0.9)),
    ((0.1, 0.5, 0.42), (0.11, 0.4, 0.64), (0.12, 0.2, 0.85), (0.1, 0.4, 0.55)),
    ((0.0, 0.7, 0.62), (0.99, 0.5, 0.85), (0.03, 0.15, 0.95), (0.0, 0.6, 0.8)),
    ((0.46, 0.55, 0.48), (0.42, 0.4, 0.72), (0.2, 0.2, 0.9), (0.5, 0.5, 0.65)),
)


MARKS = ("bars", "stripes", "spots", "saddle", "eyespot", "midline", "girdles", "blotches")


def genus_traits(rng: np.random.Generator, number: int) -> FishGenus:
    """What all species of the `number`-th fish genus share: build, kind of marking, palette."""
    build = cast(FishBuild, dict(zip(_BUILD, _BUILDS[number % len(_BUILDS)], strict=True)))
    for key in ("depth", "peak", "peduncle", "reach", "eye"):
        build[key] *= rng.uniform(0.93, 1.07)
    return {
        **build,
        "marks": MARKS[(number * 3 + number // len(MARKS)) % len(MARKS)],
        "palette": PALETTES[rng.integers(len(PALETTES))],
        "ink": hsv(rng.choice([0.6, 0.07, 0.0, 0.95]), 0.5, 0.16),
        "light": hsv(rng.choice([0.13, 0.5, 0.58]), 0.15, 0.97),
        "base_count": int(rng.integers(0, 2)),
        "slope": rng.uniform(-0.1, 0.2),
        "eye_bar": rng.random() < 0.4,
        "fin_edge": rng.random() < 0.5,
        "tail_spot": rng.random() < 0.3,
        "dark_tail": rng.random() < 0.35,
    }


def species_traits(rng: np.random.Generator, genus: FishGenus, rank: int) -> FishTraits:
    """One species: its genus's traits with its own count, offset and width of the markings."""
    return {
        **genus,
        "rank": rank,
        "count": genus["base_count"] + rank,
        "offset": rng.uniform(-0.02, 0.02) + 0.05 * ((rank % 3) - 1),
        "width": rng.uniform(0.92, 1.08) * (1.0, 0.85, 1.16)[rank % 3],
        "hue": rng.uniform(-0.025, 0.025),
        "eye_bar": genus["eye_bar"] ^ (rank % 2 == 1 and rng.random() < 0.3),
        "fin_edge": genus["fin_edge"] ^ (rng.random() < 0.15),
        "tail_spot": genus["tail_spot"] ^ (rng.random() < 0.15),
        "dark_tail": genus["dark_tail"] ^ (rng.random() < 0.12),
        "pattern_seed": int(rng.integers(2**31)),
        "depth": genus["depth"] * rng.uniform(0.97, 1.03),
    }
