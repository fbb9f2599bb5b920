"""The feathers of a bird: body and head markings, the breast's pattern, the folded wing."""

from collections.abc import Sequence

import numpy as np

from nearkin.synthetic.bird_traits import LENGTH, BirdTraits
from nearkin.synthetic.paint import Canvas, Frame, band, mix, noise, shift_colour, spline, step


def draw_plumage(
    canvas: Canvas,
    inside: np.ndarray,
    body: Frame,
    head: Frame,
    depth: float,
    head_distance: np.ndarray,
    traits: BirdTraits,
    colours: Sequence[np.ndarray],
    own: np.random.Generator,
) -> None:
    """Paint the plumage of the body and the markings of the head.

    `inside` is how far each pixel is in the bird, `head_distance` how far it is from the head's
    centre, in radii of the head; both are (height, width).
    """
    back, breast, belly, _ = colours
    a, b = body.locate_pixels(canvas)
    fluff = noise(own, canvas.shape, 34) * 0.06 + noise(own, canvas.shape, 9) * 0.07
    along, across = a / LENGTH + fluff, b / depth + fluff
    chest = mix(belly, breast, step(along, -0.05 + 0.3 * traits["offset"], 0.25)[..., None])
    canvas.paint(inside, mix(chest, back, step(across, 0.05 + 0.12 * along, 0.12)[..., None]))
    h, u = head.locate_pixels(canvas)
    h, u = h / traits["head"] + fluff, u / traits["head"] + fluff
    on_head = inside * step(-head_distance, -1.12, 0.1)
    canvas.tint(on_head * step(u, -0.25, 0.1), back)
    _paint_breast(canvas, inside * step(head_distance, 1.0, 0.08), along, across, traits, own)
    ink, light = traits["ink"], traits["light"]
    if traits["plumage"] == "bibbed":
        canvas.tint(on_head * step(-u, 0.15 + traits["offset"], 0.08), ink)
        canvas.tint(
            inside * step(-np.hypot((along - 0.95) / 0.4, (across + 0.15) / 0.7), -traits["width"], 0.1), ink
        )
    else:
        canvas.tint(on_head * step(-u, 0.42, 0.1) * step(h, -0.7, 0.1), light)
    if traits["cap"]:
        cap = on_head * step(u - 0.12 * h, 0.4 + 0.3 * traits["offset"], 0.06)
        canvas.tint(cap, traits["accent"] if traits["accent_cap"] else ink)
    if traits["brow"]:
        canvas.tint(
            on_head * band(u - 0.05 * h, 0.36, 0.09 * traits["width"], 0.04) * step(h, -0.95, 0.1), light
        )
    line = 0.2 if traits["mask"] else 0.07
    canvas.tint(on_head * band(u, 0.1, line, 0.05) * step(h, -0.8, 0.1) * 0.9, ink)
    barbs = noise(own, canvas.shape, 70)
    canvas.shade(1 + inside * 0.09 * barbs)


def _paint_breast(
    canvas: Canvas,
    area: np.ndarray,
    along: np.ndarray,
    across: np.ndarray,
    traits: BirdTraits,
    own: np.random.Generator,
) -> None:
    """The pattern of breast and belly; species of one genus share its kind but not its size."""
    kind, ink, width, offset = traits["plumage"], traits["ink"], traits["width"], traits["offset"]
    under = area * step(-across, 0.08 - 0.15 * along, 0.12)
    if kind in ("streaked", "spotted"):
        layout = np.random.default_rng(traits["pattern_seed"])
        rows, columns = (9 + 2 * traits["count"]), (7 + 2 * traits["count"])
        long = 2.6 if kind == "streaked" else 1.0
        p, q = along * columns / long, across * rows * 0.7
        q = q + 0.5 * (np.floor(p) % 2) + layout.uniform(0, 1)
        near = np.hypot((p % 1 - 0.5), (q % 1 - 0.5))
        canvas.tint(under * step(-near, -0.26 * width, 0.08) * step(along, -0.55 + offset, 0.15) * 0.9, ink)
    elif kind == "collared":
        for number in range(1 + traits["count"] % 2):
            centre = 0.62 - 0.32 * number + 0.4 * offset
            canvas.tint(
                area * band(along + 0.25 * across, centre, 0.08 * width, 0.03) * step(-across, -0.35, 0.1),
                ink,
            )
    elif kind == "barred":
        n = 5.5 + 1.2 * traits["count"]
        wave = np.sin((along + 0.2 * across + own.normal(0, 0.01)) * n * np.pi)
        canvas.tint(
            under * step(wave, 0.55 - 0.4 * (width - 1), 0.25) * step(-along, -0.55 + offset, 0.15) * 0.85,
            ink,
        )
    elif kind == "girdled":
        canvas.tint(under * step(along, 0.1 + offset, 0.04), traits["accent"])
        canvas.tint(
            area * band(along + 0.2 * across, 0.1 + offset, 0.05 * width, 0.02) * step(-across, -0.2, 0.1),
            ink,
        )


def draw_folded_wing(
    canvas: Canvas,
    body: Frame,
    depth: float,
    traits: BirdTraits,
    colours: Sequence[np.ndarray],
    view: np.random.Generator,
) -> None:
    """Paint the folded wing: coverts in scales, bars, flight feathers to the tip."""
    droop = view.uniform(-0.06, 0.06)
    edge = [
        (0.56, 0.28), (0.3, 0.62), (-0.25, 0.66), (-0.85, 0.36), (-1.34, 0.02 + droop),
        (-0.95, -0.12 + droop), (-0.35, -0.36), (0.2, -0.34), (0.52, -0.05),
    ]  # fmt: skip
    outline = body.to_canvas(spline([(x * LENGTH, y * depth) for x, y in edge]))
    mask = canvas.mask(outline)
    a, b = body.locate_pixels(canvas)
    along, across = 0.5 - a / LENGTH, b / depth
    shadow = canvas.mask(outline + np.array([0.0, 0.016]))
    canvas.shade(1 - 0.35 * shadow * (1 - mask))
    wing, back = colours[3], colours[0]
    ground = mix(back, wing, step(along, 0.45, 0.3)[..., None])
    canvas.paint(mask, ground)
    covert = (along * 9) % 1, (across * 6 + 0.5 * (np.floor(along * 9) % 2)) % 1
    scales = np.hypot(covert[0] - 0.1, covert[1] - 0.5)
    canvas.shade(1 - 0.35 * mask * step(scales, 0.55, 0.12) * step(-along, -0.75, 0.05))
    tip = np.array([-1.34, 0.02 + droop])
    roots = [np.array([0.02 - 0.09 * i, -0.33 + 0.1 * i]) for i in range(9)]
    ends = [tip + np.array([0.16 * (8 - i) * 0.55, -0.02 * (8 - i) + 0.015 * i]) for i in range(9)]
    quills = []
    for root, end in zip(roots, ends, strict=True):
        bow = root * 0.45 + end * 0.55 + [0, 0.06]
        quills.append(body.to_canvas(spline(np.array([root, bow, end]) * [LENGTH, depth], closed=False)))
    canvas.tint(canvas.lines(quills, 0.009) * mask * 0.75, shift_colour(wing, value=0.45))
    canvas.tint(
        canvas.lines([quill - [0, 0.009] for quill in quills], 0.006) * mask * 0.5,
        shift_colour(wing, saturation=0.7, value=1.9),
    )
    for number in range(traits["wing_bars"]):
        centre = 0.62 + 0.24 * number + 0.12 * traits["offset"]
        fringe = 0.05 * (covert[1] - 0.5) ** 2 * 4 - 0.05 * np.abs(across)
        bar = band(along + 0.35 * across + fringe, centre, 0.036 * traits["width"], 0.02)
        canvas.tint(mask * bar * 0.92, traits["light"])
    canvas.shade(1 + mask * (0.16 * across + 0.02))
