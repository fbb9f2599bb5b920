"""What is behind and in front of the animals: reefs, foliage, shores, branches, stems."""

import numpy as np
from numpy.typing import ArrayLike

from nearkin.synthetic.paint import Canvas, hsv, mix, noise, rotate, shift_colour, spline, step


def reef(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint water with light from above, corals and sand; returns the colour of the water."""
    water = hsv(
        rng.choice([rng.uniform(0.5, 0.6), rng.uniform(0.36, 0.48)]),
        rng.uniform(0.35, 0.8),
        rng.uniform(0.35, 0.75),
    )
    _, bottom = extent(canvas)
    fall = canvas.y / bottom
    ground = mix(
        shift_colour(water, saturation=0.75, value=1.35),
        shift_colour(water, value=0.55),
        (fall + 0 * canvas.x)[..., None],
    )
    canvas.paint(np.ones(canvas.shape), ground)
    slant = rng.uniform(-0.6, 0.6)
    rays = np.interp(canvas.x + slant * canvas.y, np.linspace(-1, 2, 60), rng.uniform(0, 1, 60) ** 3)
    canvas.shade(1 + 0.5 * rays * (1 - fall) * rng.uniform(0, 1))
    floor = rng.uniform(0.65, 1.1) * bottom
    for layer in range(3):
        near = (layer + 1) / 3
        level = floor - (1 - near) * 0.12
        sand = mix(hsv(0.11, 0.25, 0.75), water, 0.75 - 0.5 * near)
        bumps = level + 0.05 * noise(rng, canvas.shape, 5)[:1] + 0.012 * noise(rng, canvas.shape, 30)
        canvas.paint(step(canvas.y - bumps, 0, 0.008), sand)
        for _ in range(rng.integers(2, 6)):
            colour = hsv(rng.uniform(-0.12, 0.2), rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.75))
            _paint_coral(canvas, rng, level, mix(colour, water, 0.75 - 0.45 * near), near)
        canvas.soften(rng.uniform(0.002, 0.012) * (1.6 - near))
    canvas.shade(1 + 0.1 * noise(rng, canvas.shape, 24, 3) * step(canvas.y, floor - 0.05, 0.03))
    for _ in range(rng.integers(0, 25)):
        speck = canvas.disc((rng.uniform(), rng.uniform(0, bottom)), rng.uniform(0.001, 0.004))
        canvas.paint(speck * 0.5, (0.9, 0.95, 0.95))
    return water


def _paint_coral(
    canvas: Canvas, rng: np.random.Generator, level: float, colour: np.ndarray, near: float
) -> None:
    x, size = rng.uniform(-0.05, 1.05), rng.uniform(0.06, 0.22) * (0.6 + 0.6 * near)
    root = np.array([x, level + 0.04])
    kind = rng.integers(3)
    if kind == 0:  # a staghorn
        lines = []
        for angle in np.linspace(-1.1, 1.1, 9) + rng.normal(0, 0.1, 9):
            tip = root + size * rng.uniform(0.8, 1.4) * np.array([np.sin(angle), -np.cos(angle)])
            lines.append(spline([root, mix(root, tip, 0.6) + rng.normal(0, 0.01, 2), tip], closed=False))
        canvas.paint(canvas.lines(lines, 0.018 * (0.5 + near)), colour)
    elif kind == 1:  # a dome
        mask = canvas.disc(root, size, squash=0.75)
        canvas.paint(mask, colour)
        canvas.shade(
            1 + mask * (0.25 * noise(rng, canvas.shape, 26) - 0.3 * (canvas.y - level) / size - 0.15)
        )
    else:  # a fan
        angles = np.linspace(-1.2, 1.2, 24)
        rim = root + size * 1.2 * (1 + rng.normal(0, 0.05, 24))[:, None] * np.stack(
            [np.sin(angles), -np.cos(angles)], 1
        )
        mask = canvas.mask(np.concatenate([spline(rim, closed=False), root[None]]))
        canvas.paint(mask * 0.85, colour)
        canvas.tint(
            canvas.lines([(root, point) for point in rim], 0.005) * mask * 0.6,
            shift_colour(colour, value=0.6),
        )


def foliage(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint leaves, sky or trunks, far out of focus; returns the overall colour."""
    is_sky = rng.random() < 0.3
    colour = (
        hsv(0.57, rng.uniform(0.1, 0.45), 0.85)
        if is_sky
        else hsv(rng.uniform(0.17, 0.36), rng.uniform(0.25, 0.6), rng.uniform(0.25, 0.7))
    )
    _, bottom = extent(canvas)
    canvas.paint(np.ones(canvas.shape), colour)
    canvas.shade(1 + 0.22 * noise(rng, canvas.shape, 4, 3) + 0.25 * (0.5 - canvas.y / bottom))
    for _ in range(rng.integers(0, 3)):
        x, lean = rng.uniform(), rng.normal(0, 0.15)
        canvas.paint(
            canvas.lines([[(x, -0.05), (x + lean, 1.1)]], rng.uniform(0.02, 0.1)) * 0.8,
            hsv(0.08, 0.35, rng.uniform(0.2, 0.5)),
        )
    for _ in range(rng.integers(6, 22) // (2 if is_sky else 1)):
        shade = hsv(rng.uniform(0.13, 0.38), rng.uniform(0.25, 0.75), rng.uniform(0.15, 0.85))
        blade(
            canvas,
            rng,
            (rng.uniform(), rng.uniform(0, bottom)),
            rng.uniform(0.08, 0.3),
            rng.uniform(0, 6.3),
            shade,
            0.75,
        )
    canvas.soften(rng.uniform(0.008, 0.035))
    for _ in range(rng.integers(0, 9)):
        spot = canvas.disc((rng.uniform(), rng.uniform(0, bottom)), rng.uniform(0.015, 0.05))
        canvas.paint(spot * rng.uniform(0.05, 0.25), (1, 1, 0.9))
    canvas.soften(0.004)
    return colour


def blade(
    canvas: Canvas,
    rng: np.random.Generator,
    centre: ArrayLike,
    length: float,
    angle: float,
    colour: np.ndarray,
    strength: float = 1.0,
) -> np.ndarray:
    """Paint a leaf with its midrib; returns its mask, (height, width)."""
    wide = rng.uniform(0.18, 0.32) * length
    outline = spline([(-length / 2, 0), (-length * 0.2, -wide), (length * 0.25, -wide * 0.7), (length / 2, 0),
                      (length * 0.25, wide * 0.7), (-length * 0.2, wide)])  # fmt: skip
    mask = canvas.mask(rotate(outline, angle) + np.asarray(centre)) * strength
    canvas.paint(mask, colour)
    rib = rotate(np.array([(-length / 2, 0), (length / 2, 0)]), angle) + np.asarray(centre)
    canvas.paint(canvas.lines([rib], 0.006) * mask * 0.7, shift_colour(colour, value=1.35))
    return mask


def shore(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint ground or shallow water for birds that stand; returns the overall colour."""
    colour = foliage(canvas, rng)
    _, bottom = extent(canvas)
    is_wet = rng.random() < 0.5
    near = (
        hsv(0.55, 0.3, rng.uniform(0.4, 0.75))
        if is_wet
        else hsv(rng.uniform(0.07, 0.2), rng.uniform(0.2, 0.45), rng.uniform(0.35, 0.7))
    )
    edge = bottom * rng.uniform(0.3, 0.6)
    texture = noise(rng, canvas.shape, 22 if is_wet else 40, 2)
    if is_wet:  # stretch the waves sideways
        texture = np.repeat(texture[:, ::4], 4, axis=1)[:, : canvas.shape[1]]
    mask = step(canvas.y + 0.01 * noise(rng, canvas.shape, 12), edge, 0.02)
    canvas.paint(mask, near)
    canvas.shade(1 + mask * texture * np.clip((canvas.y - edge) / bottom + 0.05, 0, 0.5) * 0.6)
    canvas.soften(0.003)
    return colour


def branch(canvas: Canvas, rng: np.random.Generator, point: np.ndarray, slope: float) -> None:
    """Paint a branch that passes under a point (the feet of a bird), with bark and some leaves."""
    thick = rng.uniform(0.022, 0.05)
    x = np.linspace(-0.15, 1.15, 9)
    y = (
        point[1]
        + thick * 0.42
        + slope * (x - point[0])
        + 0.4 * rng.normal(0, 1, 1) * (x - point[0]) ** 2 * 0.3
    )
    wood = hsv(rng.uniform(0.05, 0.12), rng.uniform(0.15, 0.45), rng.uniform(0.3, 0.6))
    for _ in range(rng.integers(0, 4)):
        at = rng.integers(0, 9)
        tip = np.array([x[at] + rng.uniform(-0.25, 0.25), y[at] - rng.uniform(-0.25, 0.3)])
        if abs(tip[0] - point[0]) > 0.2:
            canvas.paint(
                canvas.lines([spline([(x[at], y[at]), tip], closed=False)], thick * 0.4),
                shift_colour(wood, value=0.85),
            )
            green = hsv(rng.uniform(0.16, 0.34), rng.uniform(0.4, 0.75), rng.uniform(0.3, 0.7))
            for _ in range(3):
                blade(
                    canvas,
                    rng,
                    tip + rng.normal(0, 0.03, 2),
                    rng.uniform(0.08, 0.16),
                    rng.uniform(0, 6.3),
                    green,
                )
    middle = np.interp(canvas.x, x, y)
    wide = thick * (1 + 0.25 * noise(rng, canvas.shape, 7)[:1]) * (1.15 - 0.3 * canvas.x) / 2
    across = (canvas.y - middle) / wide
    mask = np.clip((1 - np.abs(across)) * wide * canvas.scale + 0.5, 0, 1)
    canvas.paint(mask, wood)
    bark = noise(rng, canvas.shape, 70) * 0.22 + noise(rng, canvas.shape, 25) * 0.15
    canvas.shade(1 + mask * (bark - 0.38 * across))


def foreground(
    canvas: Canvas, rng: np.random.Generator, hues: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Stems that pass in front of part of the animal: their cover, (height, width), and colour."""
    _, bottom = extent(canvas)
    colour = hsv(rng.uniform(*hues), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.6))
    cover = np.zeros(canvas.shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        x = rng.uniform(0.05, 0.95)
        stem = spline(
            [
                (x, bottom * 1.1),
                (x + rng.normal(0, 0.06), bottom * 0.6),
                (x + rng.normal(0, 0.15), bottom * rng.uniform(-0.1, 0.5)),
            ],
            closed=False,
        )
        cover = np.maximum(cover, canvas.lines([stem], rng.uniform(0.012, 0.05)))
    return cover, colour


def extent(canvas: Canvas) -> tuple[float, float]:
    """The width and height of a canvas, in units."""
    return canvas.shape[1] / canvas.scale, canvas.shape[0] / canvas.scale
