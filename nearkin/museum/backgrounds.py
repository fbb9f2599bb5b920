"""What is behind and before the animals: reefs, leaves, branches, flowers, drawers."""

import numpy as np

from nearkin.museum.paint import hsv, mixed, noise, shifted, spline, step, turned


def reef(canvas, rng):
    """Water with light from above, corals and sand; returns the colour of the water."""
    water = hsv(rng.choice([rng.uniform(0.5, 0.6), rng.uniform(0.36, 0.48)]), rng.uniform(0.35, 0.8), rng.uniform(0.35, 0.75))
    _, bottom = _extent(canvas)
    fall = canvas.y / bottom
    ground = mixed(shifted(water, saturation=0.75, value=1.35), shifted(water, value=0.55), (fall + 0 * canvas.x)[..., None])
    canvas.paint(np.ones(canvas.shape), ground)
    slant = rng.uniform(-0.6, 0.6)
    rays = np.interp(canvas.x + slant * canvas.y, np.linspace(-1, 2, 60), rng.uniform(0, 1, 60) ** 3)
    canvas.shade(1 + 0.5 * rays * (1 - fall) * rng.uniform(0, 1))
    floor = rng.uniform(0.65, 1.1) * bottom
    for layer in range(3):
        near = (layer + 1) / 3
        level = floor - (1 - near) * 0.12
        sand = mixed(hsv(0.11, 0.25, 0.75), water, 0.75 - 0.5 * near)
        bumps = level + 0.05 * noise(rng, canvas.shape, 5)[:1] + 0.012 * noise(rng, canvas.shape, 30)
        canvas.paint(step(canvas.y - bumps, 0, 0.008), sand)
        for _ in range(rng.integers(2, 6)):
            colour = hsv(rng.uniform(-0.12, 0.2), rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.75))
            _coral(canvas, rng, level, mixed(colour, water, 0.75 - 0.45 * near), near)
        canvas.soften(rng.uniform(0.002, 0.012) * (1.6 - near))
    canvas.shade(1 + 0.1 * noise(rng, canvas.shape, 24, 3) * step(canvas.y, floor - 0.05, 0.03))
    for _ in range(rng.integers(0, 25)):
        speck = canvas.disc((rng.uniform(), rng.uniform(0, bottom)), rng.uniform(0.001, 0.004))
        canvas.paint(speck * 0.5, (0.9, 0.95, 0.95))
    return water


def _coral(canvas, rng, level, colour, near):
    x, size = rng.uniform(-0.05, 1.05), rng.uniform(0.06, 0.22) * (0.6 + 0.6 * near)
    root = np.array([x, level + 0.04])
    kind = rng.integers(3)
    if kind == 0:  # a staghorn
        lines = []
        for angle in np.linspace(-1.1, 1.1, 9) + rng.normal(0, 0.1, 9):
            tip = root + size * rng.uniform(0.8, 1.4) * np.array([np.sin(angle), -np.cos(angle)])
            lines.append(spline([root, mixed(root, tip, 0.6) + rng.normal(0, 0.01, 2), tip], closed=False))
        canvas.paint(canvas.lines(lines, 0.018 * (0.5 + near)), colour)
    elif kind == 1:  # a dome
        mask = canvas.disc(root, size, squash=0.75)
        canvas.paint(mask, colour)
        canvas.shade(1 + mask * (0.25 * noise(rng, canvas.shape, 26) - 0.3 * (canvas.y - level) / size - 0.15))
    else:  # a fan
        angles = np.linspace(-1.2, 1.2, 24)
        rim = root + size * 1.2 * (1 + rng.normal(0, 0.05, 24))[:, None] * np.stack([np.sin(angles), -np.cos(angles)], 1)
        mask = canvas.mask(np.concatenate([spline(rim, closed=False), root[None]]))
        canvas.paint(mask * 0.85, colour)
        canvas.tint(canvas.lines([(root, point) for point in rim], 0.005) * mask * 0.6, shifted(colour, value=0.6))


def foliage(canvas, rng):
    """Leaves, sky or trunks, far out of focus; returns the overall colour."""
    sky = rng.random() < 0.3
    colour = hsv(0.57, rng.uniform(0.1, 0.45), 0.85) if sky else hsv(rng.uniform(0.17, 0.36), rng.uniform(0.25, 0.6), rng.uniform(0.25, 0.7))
    _, bottom = _extent(canvas)
    canvas.paint(np.ones(canvas.shape), colour)
    canvas.shade(1 + 0.22 * noise(rng, canvas.shape, 4, 3) + 0.25 * (0.5 - canvas.y / bottom))
    for _ in range(rng.integers(0, 3)):
        x, lean = rng.uniform(), rng.normal(0, 0.15)
        canvas.paint(canvas.lines([[(x, -0.05), (x + lean, 1.1)]], rng.uniform(0.02, 0.1)) * 0.8, hsv(0.08, 0.35, rng.uniform(0.2, 0.5)))
    for _ in range(rng.integers(6, 22) // (2 if sky else 1)):
        shade = hsv(rng.uniform(0.13, 0.38), rng.uniform(0.25, 0.75), rng.uniform(0.15, 0.85))
        blade(canvas, rng, (rng.uniform(), rng.uniform(0, bottom)), rng.uniform(0.08, 0.3), rng.uniform(0, 6.3), shade, 0.75)
    canvas.soften(rng.uniform(0.008, 0.035))
    for _ in range(rng.integers(0, 9)):
        spot = canvas.disc((rng.uniform(), rng.uniform(0, bottom)), rng.uniform(0.015, 0.05))
        canvas.paint(spot * rng.uniform(0.05, 0.25), (1, 1, 0.9))
    canvas.soften(0.004)
    return colour


def blade(canvas, rng, centre, length, angle, colour, strength=1.0):
    """A leaf with its midrib."""
    wide = rng.uniform(0.18, 0.32) * length
    outline = spline([(-length / 2, 0), (-length * 0.2, -wide), (length * 0.25, -wide * 0.7), (length / 2, 0),
                      (length * 0.25, wide * 0.7), (-length * 0.2, wide)])  # fmt: skip
    mask = canvas.mask(turned(outline, angle) + np.asarray(centre)) * strength
    canvas.paint(mask, colour)
    rib = turned(np.array([(-length / 2, 0), (length / 2, 0)]), angle) + np.asarray(centre)
    canvas.paint(canvas.lines([rib], 0.006) * mask * 0.7, shifted(colour, value=1.35))
    return mask


def shore(canvas, rng):
    """Ground or shallow water for birds that stand; returns the overall colour."""
    colour = foliage(canvas, rng)
    _, bottom = _extent(canvas)
    wet = rng.random() < 0.5
    near = hsv(0.55, 0.3, rng.uniform(0.4, 0.75)) if wet else hsv(rng.uniform(0.07, 0.2), rng.uniform(0.2, 0.45), rng.uniform(0.35, 0.7))
    edge = bottom * rng.uniform(0.3, 0.6)
    texture = noise(rng, canvas.shape, 22 if wet else 40, 2)
    if wet:  # stretch the waves sideways
        texture = np.repeat(texture[:, ::4], 4, axis=1)[:, : canvas.shape[1]]
    mask = step(canvas.y + 0.01 * noise(rng, canvas.shape, 12), edge, 0.02)
    canvas.paint(mask, near)
    canvas.shade(1 + mask * texture * np.clip((canvas.y - edge) / bottom + 0.05, 0, 0.5) * 0.6)
    canvas.soften(0.003)
    return colour


def branch(canvas, rng, point, slope):
    """A branch that passes under a point (the feet of a bird), with bark and some leaves."""
    thick = rng.uniform(0.022, 0.05)
    x = np.linspace(-0.15, 1.15, 9)
    y = point[1] + thick * 0.42 + slope * (x - point[0]) + 0.4 * rng.normal(0, 1, 1) * (x - point[0]) ** 2 * 0.3
    wood = hsv(rng.uniform(0.05, 0.12), rng.uniform(0.15, 0.45), rng.uniform(0.3, 0.6))
    for _ in range(rng.integers(0, 4)):
        at = rng.integers(0, 9)
        tip = np.array([x[at] + rng.uniform(-0.25, 0.25), y[at] - rng.uniform(-0.25, 0.3)])
        if abs(tip[0] - point[0]) > 0.2:
            canvas.paint(canvas.lines([spline([(x[at], y[at]), tip], closed=False)], thick * 0.4), shifted(wood, value=0.85))
            green = hsv(rng.uniform(0.16, 0.34), rng.uniform(0.4, 0.75), rng.uniform(0.3, 0.7))
            for _ in range(3):
                blade(canvas, rng, tip + rng.normal(0, 0.03, 2), rng.uniform(0.08, 0.16), rng.uniform(0, 6.3), green)
    middle = np.interp(canvas.x, x, y)
    wide = thick * (1 + 0.25 * noise(rng, canvas.shape, 7)[:1]) * (1.15 - 0.3 * canvas.x) / 2
    across = (canvas.y - middle) / wide
    mask = np.clip((1 - np.abs(across)) * wide * canvas.scale + 0.5, 0, 1)
    canvas.paint(mask, wood)
    bark = noise(rng, canvas.shape, 70) * 0.22 + noise(rng, canvas.shape, 25) * 0.15
    canvas.shade(1 + mask * (bark - 0.38 * across))


def leaf(canvas, rng):
    """A close leaf with its veins, and shade around it."""
    _, bottom = _extent(canvas)
    dark = hsv(rng.uniform(0.2, 0.36), rng.uniform(0.3, 0.6), rng.uniform(0.12, 0.35))
    canvas.paint(np.ones(canvas.shape), dark)
    for _ in range(8):
        blade(canvas, rng, (rng.uniform(), rng.uniform(0, bottom)), rng.uniform(0.3, 0.7), rng.uniform(0, 6.3), shifted(dark, value=rng.uniform(0.8, 2.0)))
    canvas.soften(0.018)
    colour = hsv(rng.uniform(0.18, 0.35), rng.uniform(0.4, 0.75), rng.uniform(0.4, 0.75))
    angle, centre, length = rng.uniform(0, 6.3), np.array([0.5, bottom / 2]) + rng.normal(0, 0.08, 2), rng.uniform(1.1, 1.7)
    mask = blade(canvas, rng, centre, length, angle, colour)
    dx, dy = canvas.x - centre[0], canvas.y - centre[1]
    along, across = dx * np.cos(angle) + dy * np.sin(angle), -dx * np.sin(angle) + dy * np.cos(angle)
    veins = np.abs(((along - 0.8 * np.abs(across)) * 11) % 1 - 0.5)
    canvas.shade(1 + mask * (0.16 * step(veins, 0.46, 0.03) + 0.1 * noise(rng, canvas.shape, 18, 2) - 0.5 * across * 0.3))
    canvas.soften(0.0025)
    return colour


def flower(canvas, rng):
    """Flower heads before a soft meadow."""
    _, bottom = _extent(canvas)
    foliage(canvas, rng)
    petal = hsv(rng.choice([0.0, 0.1, 0.15, 0.62, 0.75, 0.85, 0.92]) + rng.normal(0, 0.02), rng.uniform(0.1, 0.75), rng.uniform(0.7, 0.98))
    heads = [(np.array([0.5, bottom / 2]) + rng.normal(0, 0.1, 2), rng.uniform(0.3, 0.5))]
    heads += [(np.array([rng.uniform(), rng.uniform(0, bottom)]), rng.uniform(0.08, 0.2)) for _ in range(rng.integers(1, 5))]
    for centre, radius in heads[::-1]:
        canvas.paint(canvas.lines([[centre, centre + [rng.normal(0, 0.1), 1.0]]], 0.014), hsv(0.28, 0.5, 0.4))
        n, start = int(rng.integers(8, 18)), rng.uniform(0, 6.3)
        for angle in start + np.arange(n) * 2 * np.pi / n:
            out = np.array([np.cos(angle), np.sin(angle)])
            blade(canvas, rng, centre + out * radius * 0.55, radius * 0.95, angle, shifted(petal, value=rng.uniform(0.85, 1.05)))
        eye = canvas.disc(centre, radius * 0.24)
        canvas.paint(eye, hsv(0.12, 0.75, 0.7))
        canvas.shade(1 + eye * 0.35 * noise(rng, canvas.shape, 60))
    canvas.soften(0.004)
    return petal


def drawer(canvas, rng):
    """The pale bottom of a collection's drawer with a label and a scale."""
    _, bottom = _extent(canvas)
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
        lines = [[(corner[0] + first, y), (corner[0] + min(second, 0.22) - 0.008, y)] for first, second in zip(words[:-1], words[1:], strict=True) if first < 0.2]
        canvas.paint(canvas.lines(lines, 0.007) * 0.7, (0.2, 0.2, 0.25))
    if rng.random() < 0.6:
        x, y = (0.78 if corner[0] < 0.5 else 0.05), bottom - 0.05
        for number in range(5):
            box = np.array([(0, 0), (0.03, 0), (0.03, 0.018), (0, 0.018)]) + [x + 0.03 * number, y]
            canvas.paint(canvas.mask(box), (0.08, 0.08, 0.08) if number % 2 else (0.98, 0.98, 0.98))
    return paper


def stones(canvas, rng):
    """Gravel and soil."""
    colour = hsv(rng.uniform(0.04, 0.13), rng.uniform(0.1, 0.4), rng.uniform(0.35, 0.7))
    canvas.paint(np.ones(canvas.shape), colour)
    canvas.shade(1 + 0.28 * noise(rng, canvas.shape, 16, 4))
    _, bottom = _extent(canvas)
    for _ in range(14):
        centre, radius, flat = (rng.uniform(), rng.uniform(0, bottom)), rng.uniform(0.02, 0.09), rng.uniform(0.5, 0.9)
        canvas.shade(1 - 0.4 * canvas.disc(np.add(centre, 0.008), radius, flat))
        mask = canvas.disc(centre, radius, flat)
        canvas.paint(mask, shifted(colour, hue=rng.normal(0, 0.03), value=rng.uniform(0.7, 1.4)))
        canvas.shade(1 + mask * (0.2 * noise(rng, canvas.shape, 40) - 1.2 * (canvas.y - centre[1])))
    canvas.soften(0.004)
    return colour


def foreground(canvas, rng, hues):
    """Blurred stems that pass before part of the animal: their cover, (height, width), and colour."""
    _, bottom = _extent(canvas)
    colour = hsv(rng.uniform(*hues), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.6))
    cover = np.zeros(canvas.shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        x = rng.uniform(0.05, 0.95)
        stem = spline([(x, bottom * 1.1), (x + rng.normal(0, 0.06), bottom * 0.6), (x + rng.normal(0, 0.15), bottom * rng.uniform(-0.1, 0.5))], closed=False)
        cover = np.maximum(cover, canvas.lines([stem], rng.uniform(0.012, 0.05)))
    return cover, colour


def _extent(canvas):
    return canvas.shape[1] / canvas.scale, canvas.shape[0] / canvas.scale
