"""How butterfly genera and species differ: shape of the wings, palette, pattern."""

from typing import TypedDict

import numpy as np

from nearkin.synthetic.paint import Hsv, hsv

Outline = list[tuple[float, float]]


class ButterflyBuild(TypedDict):
    """The wings of a genus: outlines of the right ones, length of the tail, depth of the scallops."""

    fore: Outline
    hind: Outline
    tail: float
    scallop: float


class ButterflyGenus(ButterflyBuild):
    """What all species of a genus share."""

    stretch: float
    pattern: str
    palette: tuple[Hsv, Hsv, Hsv]  # ground, root of the wings, second colour
    ink: np.ndarray  # RGB, 0 to 1, as `light`
    light: np.ndarray
    base_count: int
    veins: float
    border: float
    rows: int
    cell_mark: bool


class ButterflyTraits(ButterflyGenus):
    """One species, as `butterflies.draw` draws it."""

    count: int  # of the parts of its pattern
    offset: float  # of the pattern between root and margin
    width: float  # of the pattern, relative to the genus
    hue: float
    spot: float  # size of the spots, relative to the genus


# Outlines from the root of the wing along the leading edge and around, right side; x outwards, y downwards.
_BROAD: Outline = [
    (0, -0.03),
    (0.2, -0.22),
    (0.46, -0.43),
    (0.58, -0.45),
    (0.57, -0.3),
    (0.5, -0.12),
    (0.45, 0.0),
    (0.2, 0.06),
]


_LONG: Outline = [
    (0, -0.03),
    (0.25, -0.2),
    (0.55, -0.33),
    (0.7, -0.3),
    (0.66, -0.2),
    (0.5, -0.08),
    (0.38, -0.01),
    (0.18, 0.04),
]


_HOOKED: Outline = [
    (0, -0.03),
    (0.2, -0.25),
    (0.45, -0.46),
    (0.61, -0.46),
    (0.53, -0.33),
    (0.5, -0.14),
    (0.48, 0.0),
    (0.2, 0.06),
]


_ROUND: Outline = [
    (0, -0.03),
    (0.18, -0.2),
    (0.38, -0.37),
    (0.5, -0.36),
    (0.52, -0.22),
    (0.47, -0.08),
    (0.4, 0.01),
    (0.18, 0.05),
]


_STEEP: Outline = [
    (0, -0.03),
    (0.12, -0.28),
    (0.3, -0.52),
    (0.42, -0.56),
    (0.46, -0.36),
    (0.45, -0.14),
    (0.42, 0.0),
    (0.18, 0.06),
]


_HIND: Outline = [
    (0, -0.02),
    (0.2, -0.06),
    (0.42, -0.02),
    (0.47, 0.12),
    (0.42, 0.28),
    (0.3, 0.4),
    (0.14, 0.42),
    (0.02, 0.26),
]


_SMALL: Outline = [
    (0, -0.02),
    (0.2, -0.05),
    (0.38, 0.0),
    (0.4, 0.12),
    (0.34, 0.24),
    (0.22, 0.32),
    (0.1, 0.32),
    (0.02, 0.2),
]


_LONG_HIND: Outline = [
    (0, -0.02),
    (0.18, -0.06),
    (0.38, 0.0),
    (0.42, 0.16),
    (0.36, 0.36),
    (0.24, 0.5),
    (0.1, 0.48),
    (0.02, 0.28),
]


BUILDS: tuple[ButterflyBuild, ...] = (
    {"fore": _BROAD, "hind": _LONG_HIND, "tail": 0.26, "scallop": 0.25},  # swallowtail
    {"fore": _LONG, "hind": _SMALL, "tail": 0.0, "scallop": 0.0},  # longwing
    {"fore": _HOOKED, "hind": _HIND, "tail": 0.05, "scallop": 1.0},  # anglewing
    {"fore": _ROUND, "hind": _HIND, "tail": 0.0, "scallop": 0.15},  # white
    {"fore": _ROUND, "hind": _SMALL, "tail": 0.09, "scallop": 0.1},  # hairstreak
    {"fore": _BROAD, "hind": _HIND, "tail": 0.0, "scallop": 0.5},  # morpho
    {"fore": _STEEP, "hind": _LONG_HIND, "tail": 0.12, "scallop": 0.35},  # kite
    {"fore": _HOOKED, "hind": _LONG_HIND, "tail": 0.42, "scallop": 0.1},  # moon
    {"fore": _LONG, "hind": _HIND, "tail": 0.0, "scallop": 0.4},  # glider
)


PALETTES: tuple[tuple[Hsv, Hsv, Hsv], ...] = (  # shared by many genera
    ((0.07, 0.85, 0.9), (0.05, 0.7, 0.5), (0.13, 0.6, 0.97)),
    ((0.58, 0.7, 0.85), (0.6, 0.6, 0.45), (0.52, 0.35, 0.95)),
    ((0.14, 0.5, 0.97), (0.13, 0.6, 0.8), (0.07, 0.8, 0.93)),
    ((0.07, 0.5, 0.5), (0.06, 0.6, 0.34), (0.09, 0.55, 0.82)),
    ((0.13, 0.08, 0.96), (0.14, 0.25, 0.8), (0.1, 0.7, 0.93)),
    ((0.42, 0.55, 0.7), (0.4, 0.6, 0.4), (0.2, 0.4, 0.93)),
)


PATTERNS = ("bordered", "banded", "eyed", "tipped", "zebra", "chequered", "flushed", "starred")


def genus_traits(rng: np.random.Generator, number: int) -> ButterflyGenus:
    """What all species of the `number`-th butterfly genus share: wings, kind of pattern, palette."""
    return {
        **BUILDS[number % len(BUILDS)],
        "stretch": rng.uniform(0.93, 1.08),
        "pattern": PATTERNS[(number * 3 + number // len(PATTERNS)) % len(PATTERNS)],
        "palette": PALETTES[rng.integers(len(PALETTES))],
        "ink": hsv(rng.choice([0.06, 0.6, 0.02]), 0.5, 0.13),
        "light": hsv(rng.choice([0.13, 0.56]), 0.1, 0.97),
        "base_count": int(rng.integers(2)),
        "veins": rng.uniform(0.1, 0.75),
        "border": rng.uniform(0.08, 0.13),
        "rows": int(rng.integers(3)),
        "cell_mark": rng.random() < 0.5,
    }


def species_traits(rng: np.random.Generator, genus: ButterflyGenus, rank: int) -> ButterflyTraits:
    """One species: its genus's traits with its own bands, borders, spots and eyespots."""
    return {
        **genus,
        "count": genus["base_count"] + rank,
        "offset": 0.045 * ((rank % 3) - 1) + rng.uniform(-0.015, 0.015),
        "width": rng.uniform(0.93, 1.07) * (1.0, 0.82, 1.2)[rank % 3],
        "hue": rng.uniform(-0.02, 0.02),
        "border": genus["border"] * (1.0, 1.3, 0.8)[rank % 3],
        "rows": genus["rows"] if rank != 2 else (genus["rows"] + 1) % 3,
        "spot": rng.uniform(0.8, 1.2),
        "cell_mark": genus["cell_mark"] ^ (rng.random() < 0.2),
    }
