"""Where butterflies rest: leaves, flowers, stones and the drawers of a collection."""

import numpy as np

from nearkin.synthetic.backgrounds import blade, extent, foliage
from nearkin.synthetic.paint import Canvas, hsv, noise, shift_colour, step


def leaf(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint a close leaf with its veins, and shade around it; returns its colour."""
    _, bottom = extent(canvas)
    dark = hsv(rng.uniform(0.2, 0.36), rng.uniform(0.3, 0.6), rng.uniform(0.12, 0.35))
    canvas.paint(np.ones(canvas.shape), dark)
    for _ in range(8):
        blade(
            canvas,
            rng,
            (rng.uniform(), rng.uniform(0, bottom)),
            rng.uniform(0.3, 0.7),
            rng.uniform(0, 6.3),
            shift_colour(dark, value=rng.uniform(0.8, 2.0)),
        )
    canvas.soften(0.018)
    colour = hsv(rng.uniform(0.18, 0.35), rng.uniform(0.4, 0.75), rng.uniform(0.4, 0.75))
    angle, centre, length = (
        rng.uniform(0, 6.3),
        np.array([0.5, bottom / 2]) + rng.normal(0, 0.08, 2),
        rng.uniform(1.1, 1.7),
    )
    mask = blade(canvas, rng, centre, length, angle, colour)
    dx, dy = canvas.x - centre[0], canvas.y - centre[1]
    along, across = dx * np.cos(angle) + dy * np.sin(angle), -dx * np.sin(angle) + dy * np.cos(angle)
    veins = np.abs(((along - 0.8 * np.abs(across)) * 11) % 1 - 0.5)
    canvas.shade(
        1
        + mask * (0.16 * step(veins, 0.46, 0.03) + 0.1 * noise(rng, canvas.shape, 18, 2) - 0.5 * across * 0.3)
    )
    canvas.soften(0.0025)
    return colour


def flower(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint flower heads in front of a soft meadow; returns the colour of the petals."""
    _, bottom = extent(canvas)
    foliage(canvas, rng)
    petal = hsv(
        rng.choice([0.0, 0.1, 0.15, 0.62, 0.75, 0.85, 0.92]) + rng.normal(0, 0.02),
        rng.uniform(0.1, 0.75),
        rng.uniform(0.7, 0.98),
    )
    heads = [(np.array([0.5, bottom / 2]) + rng.normal(0, 0.1, 2), rng.uniform(0.3, 0.5))]
    heads += [
        (np.array([rng.uniform(), rng.uniform(0, bottom)]), rng.uniform(0.08, 0.2))
        for _ in range(rng.integers(1, 5))
    ]
    for centre, radius in heads[::-1]:
        canvas.paint(canvas.lines([[centre, centre + [rng.normal(0, 0.1), 1.0]]], 0.014), hsv(0.28, 0.5, 0.4))
        n, start = int(rng.integers(8, 18)), rng.uniform(0, 6.3)
        for angle in start + np.arange(n) * 2 * np.pi / n:
            out = np.array([np.cos(angle), np.sin(angle)])
            blade(
                canvas,
                rng,
                centre + out * radius * 0.55,
                radius * 0.95,
                angle,
                shift_colour(petal, value=rng.uniform(0.85, 1.05)),
            )
        eye = canvas.disc(centre, radius * 0.24)
        canvas.paint(eye, hsv(0.12, 0.75, 0.7))
        canvas.shade(1 + eye * 0.35 * noise(rng, canvas.shape, 60))
    canvas.soften(0.004)
    return petal


def drawer(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint the pale bottom of a collection's drawer, a label and a scale; returns its colour."""
    _, bottom = extent(canvas)
    paper = hsv(rng.choice([0.11, 0.13, 0.58]), rng.uniform(0.02, 0.18), rng.uniform(0.75, 0.97))
    canvas.paint(np.ones(canvas.shape), paper)
    canvas.shade(1 + 0.03 * noise(rng, canvas.shape, 50, 2) + 0.06 * noise(rng, canvas.shape, 3))
    corner = np.array([rng.choice([0.03, 0.72]), bottom - rng.uniform(0.12, 0.16)])
    label = corner + np.array([(0, 0), (0.24, 0), (0.24, 0.1), (0, 0.1)])
    canvas.shade(1 - 0.25 * canvas.mask(label + 0.006))
    canvas.paint(canvas.mask(label), hsv(0.13, 0.06, 0.96))
    for row in range(3):
        words = np.cumsum(rng.uniform(0.015, 0.05, 5)) + 0.012
        y = corner[1] + 0.025 + 0.025 * row
        lines = [
            [(corner[0] + first, y), (corner[0] + min(second, 0.22) - 0.008, y)]
            for first, second in zip(words[:-1], words[1:], strict=True)
            if first < 0.2
        ]
        canvas.paint(canvas.lines(lines, 0.007) * 0.7, (0.2, 0.2, 0.25))
    if rng.random() < 0.6:
        x, y = (0.78 if corner[0] < 0.5 else 0.05), bottom - 0.05
        for number in range(5):
            box = np.array([(0, 0), (0.03, 0), (0.03, 0.018), (0, 0.018)]) + [x + 0.03 * number, y]
            canvas.paint(canvas.mask(box), (0.08, 0.08, 0.08) if number % 2 else (0.98, 0.98, 0.98))
    return paper


def stones(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint gravel and soil; returns their colour."""
    colour = hsv(rng.uniform(0.04, 0.13), rng.uniform(0.1, 0.4), rng.uniform(0.35, 0.7))
    canvas.paint(np.ones(canvas.shape), colour)
    canvas.shade(1 + 0.28 * noise(rng, canvas.shape, 16, 4))
    _, bottom = extent(canvas)
    for _ in range(14):
        centre, radius, flat = (
            (rng.uniform(), rng.uniform(0, bottom)),
            rng.uniform(0.02, 0.09),
            rng.uniform(0.5, 0.9),
        )
        canvas.shade(1 - 0.4 * canvas.disc(np.add(centre, 0.008), radius, flat))
        mask = canvas.disc(centre, radius, flat)
        canvas.paint(mask, shift_colour(colour, hue=rng.normal(0, 0.03), value=rng.uniform(0.7, 1.4)))
        canvas.shade(1 + mask * (0.2 * noise(rng, canvas.shape, 40) - 1.2 * (canvas.y - centre[1])))
    canvas.soften(0.004)
    return colour
