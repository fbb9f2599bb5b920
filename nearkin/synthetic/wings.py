"""The wings of a butterfly: their outline, and patterns in coordinates that follow the veins."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nearkin.synthetic.butterfly_traits import ButterflyTraits
from nearkin.synthetic.paint import Canvas, band, mix, spline, step

N_VEINS = 7


class Wing:
    """Wing coordinates of every pixel: how far out (0 root, 1 margin) and between the edges (0 to 1)."""

    def __init__(self, canvas: Canvas, outline: ArrayLike, traits: ButterflyTraits, tail: float) -> None:
        outline = np.array(outline) * [1, traits["stretch"]]
        points = spline(outline, steps=10)
        angles = np.arctan2(points[:, 1], points[:, 0])
        radii = np.hypot(points[:, 0], points[:, 1])
        is_outer = radii > 0.12
        order = np.argsort(angles[is_outer])
        self._angles, self._radii = angles[is_outer][order], radii[is_outer][order]
        self.first, self.last = self._angles[0], self._angles[-1]
        theta = np.arctan2(canvas.y + 0 * canvas.x, canvas.x + 0 * canvas.y)
        self.between = (theta - self.first) / (self.last - self.first)
        self.out = np.hypot(canvas.x, canvas.y) / np.interp(theta, self._angles, self._radii)
        self.polygon = self._shape_margin(points, traits["scallop"], tail)
        self.mask = canvas.mask(self.polygon)

    def _shape_margin(self, points: np.ndarray, scallop: float, tail: float) -> np.ndarray:
        """The outline with its scallops and its tail."""
        radius = np.hypot(points[:, 0], points[:, 1])
        share = (np.arctan2(points[:, 1], points[:, 0]) - self.first) / (self.last - self.first)
        edge = np.clip(radius / radius.max() * 3 - 1.4, 0, 1) * (share > 0.12)
        grow = 1 + 0.035 * scallop * edge * np.cos(share * 2 * np.pi * N_VEINS)
        grow = grow + tail / 0.5 * np.exp(-(((share - 0.7) / (0.035 + 0.03 * (tail < 0.1))) ** 2))
        return points * grow[:, None]

    def at(self, between: np.ndarray | float, out: np.ndarray | float) -> np.ndarray:
        """The point at these wing coordinates, or the points, (n, 2)."""
        theta = self.first + np.asarray(between) * (self.last - self.first)
        radius = np.interp(theta, self._angles, self._radii) * out
        return np.stack([radius * np.cos(theta), radius * np.sin(theta)], -1)


def cast_shadow(canvas: Canvas, wing: Wing) -> None:
    """Darken the picture a little below and around a wing."""
    canvas.shade(1 - 0.3 * canvas.mask(wing.polygon * 1.02 + np.array([-0.004, 0.014])))


def paint_wing(
    canvas: Canvas,
    wing: Wing,
    is_fore: bool,
    colours: Sequence[np.ndarray],
    traits: ButterflyTraits,
    own: np.random.Generator,
    ventral: bool,
) -> None:
    """Paint a wing: ground, pattern, border, spots and veins; `colours` are those of the palette."""
    ground, root, second = colours
    ink = traits["ink"] if not ventral else mix(traits["ink"], ground, 0.25)
    wavy = wing.out + 0.012 * np.cos(wing.between * 2 * np.pi * N_VEINS) + own.normal(0, 0.006)
    canvas.paint(wing.mask, mix(root, ground, step(wavy, 0.3, 0.25)[..., None]))
    _paint_pattern(canvas, wing, wavy, is_fore, second, ink, traits, ventral)
    border = traits["border"] * (1.25 if is_fore else 1.0) * (0.6 if ventral else 1.0)
    canvas.tint(wing.mask * step(wavy, 1 - border, 0.012), ink)
    spots = [(np.arange(N_VEINS) + 0.5) / N_VEINS for _ in range(traits["rows"])]
    for row, positions in enumerate(spots):
        out = 1 - border * (0.5 if row == 0 else 1.0) - 0.1 * row
        size = 0.016 * traits["spot"] * (1 - 0.25 * row)
        dots = [canvas.disc(wing.at(position, out), size) for position in positions[1:]]
        canvas.tint(wing.mask * np.max(dots, axis=0), traits["light"] if row == 0 else ink)
    veins = [
        wing.at(np.full(9, (i + 0.5) / N_VEINS + 0.5 / N_VEINS), np.linspace(0.3, 1.0, 9))
        for i in range(N_VEINS - 1)
    ]
    canvas.tint(canvas.lines(veins, 0.007) * wing.mask * traits["veins"], ink)
    cell = wing.at(np.linspace(0.2, 0.75, 12), 0.42 + 0.07 * np.sin(np.linspace(0, np.pi, 12)))
    canvas.tint(canvas.lines([cell], 0.007) * wing.mask * traits["veins"], ink)
    canvas.tint(
        canvas.lines([np.concatenate([wing.polygon, wing.polygon[:1]])], 0.012) * wing.mask * 0.8, ink
    )


def _paint_pattern(
    canvas: Canvas,
    wing: Wing,
    wavy: np.ndarray,
    is_fore: bool,
    second: np.ndarray,
    ink: np.ndarray,
    traits: ButterflyTraits,
    ventral: bool,
) -> None:
    """Paint the pattern; species of one genus share its kind but not its size."""
    kind, offset, width, count = traits["pattern"], traits["offset"], traits["width"], traits["count"]
    strength = wing.mask * (0.75 if ventral else 0.95)
    if kind == "banded":
        canvas.tint(strength * band(wavy, 0.62 + offset, 0.1 * width + 0.025, 0.02), ink)
        canvas.tint(strength * band(wavy, 0.62 + offset, 0.1 * width, 0.02), second)
    elif kind == "eyed" or (ventral and kind == "bordered"):
        n = 1 + count % 3
        positions = [0.28, 0.72] if is_fore else [0.35, 0.6, 0.82]
        for number in range(min(n + (not is_fore), len(positions))):
            _paint_eyespot(
                canvas,
                wing,
                wing.at(positions[number], 0.72 + offset),
                0.05 * width * (1.15 - 0.2 * number),
                second,
                ink,
                traits,
            )
    elif kind == "tipped":
        if is_fore:
            edge = wing.out - 0.55 * (wing.between - 0.1)
            canvas.tint(strength * step(edge, 0.5 + 1.3 * offset, 0.02), ink)
            for number in range(2 + count):
                canvas.tint(
                    strength * canvas.disc(wing.at(0.1 + 0.1 * number, 0.78), 0.02 * traits["spot"]),
                    traits["light"],
                )
        else:
            canvas.tint(strength * step(wavy, 0.8 + offset, 0.05), second)
    elif kind == "zebra":
        n = 2.5 + 0.75 * count
        slanted = wing.out * 1.1 + (0.25 if is_fore else -0.15) * wing.between + offset
        canvas.tint(strength * step(np.cos(slanted * 2 * np.pi * n), 0.35 - 0.35 * (width - 1), 0.15), ink)
    elif kind == "chequered":
        for row, out in enumerate(np.linspace(0.36, 0.8, 2 + count % 3) + offset):
            for number in range(N_VEINS):
                centre = wing.at((number + 0.5) / N_VEINS, out + 0.03 * (number % 2))
                canvas.tint(
                    strength * canvas.disc(centre, 0.026 * width * (0.7 + 0.4 * out)),
                    ink if row != 1 else second,
                )
    elif kind == "flushed":
        if is_fore:
            oval = np.hypot((wing.out - 0.6 - offset) / (0.13 * width), (wing.between - 0.42) / 0.3)
            canvas.tint(strength, mix(ink, second, 0.06))
            canvas.tint(strength * step(-oval, -1, 0.08), second)
        else:
            canvas.tint(strength, mix(ink, second, 0.06))
            rays = step(np.cos(wing.between * 2 * np.pi * N_VEINS), -0.55 + 0.3 * (count % 3), 0.2)
            canvas.tint(strength * band(wavy, 0.5 + offset, 0.24 * width, 0.05) * rays, second)
    elif kind == "starred":
        canvas.tint(strength * step(-wavy, -0.5 - offset, 0.05), second)
        for number in range(3 + count):
            centre = wing.at(0.15 + 0.7 * number / (2 + count), 0.66 + offset)
            canvas.tint(strength * canvas.disc(centre, 0.03 * traits["spot"] * width), traits["light"])
    if traits["cell_mark"] and is_fore:
        canvas.tint(strength * canvas.disc(wing.at(0.42, 0.42), 0.024), ink)


def _paint_eyespot(
    canvas: Canvas,
    wing: Wing,
    centre: np.ndarray,
    size: float,
    ring: np.ndarray,
    ink: np.ndarray,
    traits: ButterflyTraits,
) -> None:
    for share, colour in ((1.0, ink), (0.84, ring), (0.6, ink), (0.22, traits["light"])):
        canvas.tint(wing.mask * canvas.disc(centre, size * share), colour)
