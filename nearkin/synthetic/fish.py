"""Drawing a fish from the side, facing left: the genus gives the build, the species the markings."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from nearkin.synthetic.fish_markings import draw_markings
from nearkin.synthetic.fish_traits import FishTraits
from nearkin.synthetic.paint import Canvas, band, hsv, mix, noise, shift_colour, spline, step

Values = np.ndarray | np.floating
"""Numbers at one or many positions along the body."""


class _Body:
    """The outline: upper and lower edge at each position between nose (0) and root of the tail (1)."""

    def __init__(self, traits: FishTraits, bend: float) -> None:
        blunt, peak, peduncle = traits["blunt"], traits["peak"], traits["peduncle"]
        half = traits["depth"] / 2
        points = [
            (-traits["snout"], 0.02), (0.02, 0.1 + 0.24 * blunt), (0.1, 0.38 + 0.3 * blunt),
            (0.6 * peak, 0.84 + 0.08 * blunt), (peak, 1.0), ((peak + 0.92) / 2, 0.76),
            (0.92, peduncle), (1.0, peduncle * 1.12),
        ]  # fmt: skip
        curve = spline(points, closed=False, steps=12)
        self.positions, self.half = curve[:, 0], curve[:, 1] * half
        self.bend = bend
        self.nose = -traits["snout"]

    def axis(self, x: np.ndarray | float) -> Values:
        """The y of the body's axis at `x`."""
        return self.bend * np.clip(np.asarray(x) - 0.35, 0, None) ** 2

    def top(self, x: np.ndarray | float) -> Values:
        """The y of the upper edge at `x`."""
        return self.axis(x) - np.interp(x, self.positions, self.half) * 1.04

    def bottom(self, x: np.ndarray | float) -> Values:
        """The y of the lower edge at `x`."""
        return self.axis(x) + np.interp(x, self.positions, self.half) * 0.96

    def outline(self) -> np.ndarray:
        """The polygon of the body, (n, 2)."""
        x = self.positions
        upper, lower = np.stack([x, self.top(x)], 1), np.stack([x, self.bottom(x)], 1)
        return np.concatenate([upper, lower[::-1]])


def draw(
    traits: FishTraits, own: np.random.Generator, view: np.random.Generator, pixels_per_unit: float
) -> Image.Image:
    """An RGBA picture of one fish; the body is one unit long, nose at the left.

    `own` draws what belongs to the animal, `view` what changes between its pictures.
    """
    depth = traits["depth"] * own.uniform(0.96, 1.04)
    body = _Body({**traits, "depth": depth}, view.uniform(-0.12, 0.12))
    canvas = Canvas((-0.14, -0.66, 1.36, 0.66), pixels_per_unit)
    hue = traits["hue"] + own.normal(0, 0.008)
    back, flank, belly, fins = (hsv(h + hue, s, v * own.uniform(0.95, 1.05)) for h, s, v in traits["palette"])
    spread = view.uniform(0.75, 1.1)
    fin_mask = _paint_fins(canvas, body, traits, fins, spread)
    position = np.broadcast_to(canvas.x, canvas.shape)
    top, bottom = body.top(canvas.x), body.bottom(canvas.x)
    across = np.clip(2 * (canvas.y - top) / (bottom - top + 1e-6) - 1, -1.3, 1.3)  # -1 back, 1 belly
    inside = canvas.mask(body.outline())
    ground = mix(flank, back, step(-across, 0.35, 0.35)[..., None])
    ground = mix(ground, belly, step(across, 0.5, 0.4)[..., None] * 0.85)
    canvas.paint(inside, ground)
    covered = np.maximum(inside, fin_mask * 0.75)
    warp = noise(own, canvas.shape, 7)
    along, wavy = position + 0.012 * warp, across + 0.07 * np.roll(warp, 9, axis=0)
    draw_markings(canvas, covered, inside, along, wavy, traits, own)
    _shade_relief(canvas, inside, position, across, view)
    _paint_head(canvas, inside, body, traits, flank)
    _paint_pectoral(canvas, fins, view)
    return canvas.image()


def _trace_rays(base: np.ndarray, edge: np.ndarray, n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The `n` rays of a fin, as pairs of points on its base and its edge."""
    shares = np.linspace(0.04, 0.96, n)
    ends = []
    for line in (base, edge):
        at = np.linspace(0, 1, len(line))
        ends.append(np.stack([np.interp(shares, at, line[:, 0]), np.interp(shares, at, line[:, 1])], 1))
    return [(first, second) for first, second in zip(*ends, strict=True)]


def _paint_fin(
    canvas: Canvas,
    base: np.ndarray,
    edge: np.ndarray,
    colour: np.ndarray,
    n_rays: int,
    edge_colour: np.ndarray | None = None,
) -> np.ndarray:
    """Paint a fin between two lines: translucent skin, rays, a darker root; returns its mask."""
    mask = canvas.mask(np.concatenate([base, edge[::-1]]))
    canvas.paint(mask * 0.86, colour)
    canvas.tint(
        canvas.lines(_trace_rays(base, edge, n_rays), 0.006) * mask * 0.5, shift_colour(colour, value=0.55)
    )
    if edge_colour is not None:
        canvas.tint(canvas.lines([edge], 0.022) * mask, edge_colour)
    return mask


def _paint_fins(
    canvas: Canvas, body: _Body, traits: FishTraits, colour: np.ndarray, spread: float
) -> np.ndarray:
    """Paint all fins but the pectoral ones; returns the mask of the long ones and the tail."""
    edge_colour = traits["ink"] if traits["fin_edge"] else None
    total = np.zeros(canvas.shape, np.float32)
    for first, last, height, swept in traits["dorsal"]:
        total = np.maximum(
            total,
            _paint_long_fin(canvas, body.top, (first, last, -height * spread, swept), colour, edge_colour),
        )
    first, last, height = traits["anal"]
    swept = traits["dorsal"][-1][3]
    total = np.maximum(
        total,
        _paint_long_fin(canvas, body.bottom, (first, last, height * spread, swept), colour, edge_colour),
    )
    x = traits["peak"] * 0.85
    y = float(body.bottom(x)) - 0.02
    base = np.array([(x, y), (x + 0.09, y)])
    edge = np.array([(x + 0.08, y + 0.13 * spread), (x + 0.13, y + 0.07)])
    _paint_fin(canvas, base, edge, shift_colour(colour, value=0.9), 5)
    tail_colour = shift_colour(colour, value=0.45) if traits["dark_tail"] else colour
    return np.maximum(total, _paint_tail(canvas, body, traits, tail_colour, spread, edge_colour))


def _paint_long_fin(
    canvas: Canvas,
    body_edge: Callable[[np.ndarray], Values],
    shape: tuple[float, float, float, float],
    colour: np.ndarray,
    edge_colour: np.ndarray | None,
) -> np.ndarray:
    """Paint a fin along an edge of the body; `shape` is from where to where, height and sweep."""
    first, last, height, swept = shape
    t = np.linspace(0, 1, 40)
    x = first + (last - first) * t
    base = np.stack([x, body_edge(x)], 1)
    if swept == 0:  # spines: a rising start and a saw edge
        profile = np.sin(np.pi * np.clip(t, 0, 0.8) / 0.9) ** 0.6 * (1 - 0.25 * np.abs(np.sin(t * np.pi * 8)))
    elif swept < 0:  # a sickle in front, low behind
        profile = np.exp(-(((t - 0.18) / 0.16) ** 2)) + 0.3 * (1 - t) + 0.08
    else:  # highest towards the end
        profile = (
            0.45 * np.sin(np.pi * np.clip(t * 1.4, 0, 0.5))
            + 0.55 * np.sin(np.pi * np.clip(t, 0, 1) ** 1.6) ** 0.9
        )
        profile = profile * (1 + 0.9 * max(swept - 0.9, 0) * np.exp(-(((t - 0.8) / 0.1) ** 2)))
        profile *= np.clip((1 - t) * 7, 0.25, 1)
    lean = 0.35 * abs(height) * (1 + max(swept, 0)) * t * np.sin(np.pi * t**1.5) + 0.3 * abs(height) * profile
    edge = np.stack([x + lean, body_edge(x) + height * profile], 1)
    base = base - np.array([0, np.sign(height) * 0.02])
    return _paint_fin(canvas, base, edge, colour, int(10 + 26 * (last - first)), edge_colour)


def _paint_tail(
    canvas: Canvas,
    body: _Body,
    traits: FishTraits,
    colour: np.ndarray,
    spread: float,
    edge_colour: np.ndarray | None,
) -> np.ndarray:
    """Paint the tail fin; returns its mask."""
    reach, kind = traits["reach"], traits["tail"]
    axis, root = float(body.axis(1.0)), float(body.bottom(1.0) - body.axis(1.0))
    high = (
        {"straight": 0.15, "round": 0.14, "fork": 0.2, "moon": 0.25}[kind]
        * spread
        * (0.75 + traits["depth"] * 0.6)
    )
    notch = {"straight": 0.94, "round": 1.12, "fork": 0.5, "moon": 0.42}[kind] * reach
    mid = {"straight": 0.97, "round": 1.08, "fork": 0.72, "moon": 0.5}[kind] * reach
    corner = (0.8 if kind == "round" else 1.0) * reach
    edge = spline(
        [
            (1 + corner, -high),
            (1 + mid, -high * 0.5),
            (1 + notch, 0),
            (1 + mid, high * 0.5),
            (1 + corner, high),
        ],
        closed=False,
    )
    edge = edge + np.array([0, axis + body.bend * 0.3])
    upper = spline([(0.985, -root), (1 + 0.4 * reach, -high * 0.72), (1 + corner, -high)], closed=False)
    upper = upper + np.array([0, axis])
    lower = (upper - np.array([0, axis])) * np.array([1, -1]) + np.array([0, axis])
    mask = canvas.mask(np.concatenate([upper, edge, lower[::-1]]))
    canvas.paint(mask * 0.92, colour)
    base = np.stack([np.full(9, 0.99), np.linspace(-root, root, 9) + axis], 1)
    canvas.tint(
        canvas.lines(_trace_rays(base, edge, 17), 0.006) * mask * 0.5, shift_colour(colour, value=0.55)
    )
    if edge_colour is not None:
        canvas.tint(canvas.lines([edge], 0.024) * mask, edge_colour)
    return mask


def _shade_relief(
    canvas: Canvas, inside: np.ndarray, position: np.ndarray, across: np.ndarray, view: np.random.Generator
) -> None:
    """Add scales, roundness, the wet shine along the back, a lateral line."""
    rows, columns = canvas.y * 62, position * 54
    odd = np.floor(rows) % 2 * 0.5
    scale = np.hypot((columns + odd) % 1 - 0.75, rows % 1 - 0.5)
    strength = 0.2 * step(position, 0.24, 0.06) * inside
    canvas.shade(1 - strength * np.clip(scale - 0.35, 0, 0.5))
    height = np.sqrt(np.clip(1 - across**2, 0, 1))
    light = 0.5 + 0.52 * height - 0.24 * across
    canvas.shade(mix(np.ones(canvas.shape, np.float32), light, inside))
    shine = band(across, -0.46 + view.uniform(-0.1, 0.1), 0.02, 0.22) * inside * step(position, 0.05, 0.05)
    canvas.tint(shine * 0.28, (1, 1, 1))
    canvas.tint(
        band(across, -0.22 + 0.15 * position, 0.008, 0.015) * inside * (position > 0.24) * 0.2,
        (0.1, 0.1, 0.1),
    )


def _paint_head(
    canvas: Canvas, inside: np.ndarray, body: _Body, traits: FishTraits, flank: np.ndarray
) -> None:
    size, dark = traits["eye"], shift_colour(flank, value=0.35)
    eye = np.array([0.115 + 0.4 * size, -0.1 * traits["depth"] - 0.2 * size + float(body.axis(0.1))])
    gill_x = 0.215 + 0.1 * size
    gill = spline(
        [
            (gill_x - 0.04, -0.2 * traits["depth"]),
            (gill_x + 0.025, 0.02),
            (gill_x - 0.05, 0.3 * traits["depth"]),
        ],
        closed=False,
    )
    canvas.tint(canvas.lines([gill], 0.012) * inside * 0.5, dark)
    canvas.tint(canvas.lines([gill + 0.012], 0.012) * inside * 0.25, (1, 1, 1))
    jaw = 0.05 + 0.04 * traits["blunt"]
    low = 0.03 * traits["depth"] + 0.01
    mouth = spline(
        [(body.nose - 0.01, low * 0.6), (body.nose + jaw * 0.6, low * 1.4), (body.nose + jaw, low * 2.6)],
        closed=False,
    )
    canvas.tint(canvas.lines([mouth], 0.01) * inside * 0.85, dark)
    canvas.paint(canvas.disc(eye, size * 1.18), shift_colour(flank, value=0.6))
    canvas.paint(canvas.disc(eye, size), hsv(0.12 + traits["hue"], 0.5, 0.88))
    canvas.paint(canvas.disc(eye, size * 0.62), (0.03, 0.03, 0.05))
    canvas.paint(canvas.disc(eye + np.array([-0.3, -0.32]) * size, size * 0.2), (1, 1, 1))


def _paint_pectoral(canvas: Canvas, colour: np.ndarray, view: np.random.Generator) -> None:
    """Paint the pectoral fin, in any phase of its stroke."""
    stroke = view.uniform(-0.5, 0.9)
    x, y = 0.27, 0.03
    t = np.linspace(-0.45, 0.45, 9) + stroke
    length = 0.17 * (1 - 1.4 * (t - stroke) ** 2)
    edge = np.stack([x + length * np.cos(t), y + length * np.sin(t)], 1)
    base = np.stack([np.full(9, x), np.linspace(y - 0.02, y + 0.025, 9)], 1)
    mask = canvas.mask(np.concatenate([base, spline(edge, closed=False)[::-1]]))
    canvas.paint(mask * 0.55, shift_colour(colour, value=0.95))
    canvas.tint(
        canvas.lines(_trace_rays(base, edge, 9), 0.006) * mask * 0.45, shift_colour(colour, value=0.5)
    )
    canvas.tint(canvas.lines([edge], 0.007) * 0.3, shift_colour(colour, value=0.4))
