"""Drawing a perched bird from the side, facing left: the genus gives the build, the species the plumage."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from nearkin.synthetic.bird_traits import LENGTH, BirdTraits
from nearkin.synthetic.paint import Box, Canvas, Frame, hsv, mix, rotate, shift_colour, spline, step
from nearkin.synthetic.plumage import draw_folded_wing, draw_plumage


def box(traits: BirdTraits) -> Box:
    """The extent of the drawing in units: left, top, right, bottom."""
    tail = traits["tail"][1] + LENGTH
    steep = min(1.5, traits["posture"] * 1.2 + 0.25)
    is_cocked = traits["tail"][0] == "cocked"
    return (
        -0.38 - traits["head"] - traits["bill"][1],
        -0.46 - 0.25 * traits["posture"] - traits["neck"] - 0.5 * traits["head"] * traits["crest"],
        0.56 if is_cocked else max(0.5, 0.24 + tail * np.cos(min(steep, 1.0))),
        max(0.32 + traits["legs"], 0.06 + tail * np.sin(steep) * (not is_cocked)),
    )


def draw(
    traits: BirdTraits, own: np.random.Generator, view: np.random.Generator, pixels_per_unit: float
) -> tuple[Image.Image, np.ndarray]:
    """An RGBA picture of one bird, and where its feet are in it (pixels).

    `own` draws what belongs to the animal, `view` what changes between its pictures.
    """
    if own.random() < 0.45:  # females and young birds: duller, without the cap
        traits = {**traits, "cap": False, "dull": 0.6}
    canvas = Canvas(box(traits), pixels_per_unit)
    depth = LENGTH * traits["plump"] * own.uniform(0.97, 1.03) * view.uniform(0.95, 1.08)
    body = Frame((0.05, -0.04), traits["posture"] * view.uniform(0.75, 1.2))
    crown = body.to_canvas([LENGTH * 0.82, depth * 0.5]) + traits["neck"] * view.uniform(0.6, 1.2) * np.array(
        [-0.45, -0.9]
    )
    head = Frame(crown + np.array([-0.02, -0.03]), view.uniform(-0.18, 0.22))
    hue = traits["hue"] + own.normal(0, 0.006)
    colours = [
        hsv(h + hue, s * traits.get("dull", 1.0), v * own.uniform(0.95, 1.05))
        for h, s, v in traits["palette"]
    ]
    feet = _paint_legs(canvas, body, depth, traits)
    _paint_tail(canvas, body, depth, traits, colours, view)
    distance, head_distance = _measure_silhouette(canvas, body, head, depth, traits)
    inside = np.clip(0.5 - distance * canvas.scale, 0, 1)
    _paint_bill(canvas, head, traits)
    _paint_crest(canvas, head, traits, colours[0], view)
    draw_plumage(canvas, inside, body, head, depth, head_distance, traits, colours, own)
    _shade_roundness(canvas, inside, distance, depth)
    draw_folded_wing(canvas, body, depth, traits, colours, view)
    _paint_eye(canvas, head, traits)
    return canvas.image(), (feet - canvas.origin) * canvas.scale


def _measure_silhouette(
    canvas: Canvas, body: Frame, head: Frame, depth: float, traits: BirdTraits
) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance to the outline (negative inside), and the distance from the head's centre in radii."""
    a, b = body.locate_pixels(canvas)
    taper = 1 - 0.22 * np.clip(-a / LENGTH, 0, 1)  # slimmer towards the tail
    trunk = (np.hypot(a / LENGTH, b / (depth * taper)) - 1) * depth * 0.9
    radius = traits["head"]
    h, u = head.locate_pixels(canvas)
    from_head = np.hypot(h * 0.93, u)
    root = body.to_canvas([LENGTH * 0.45, depth * 0.1])
    line = (head.centre - root).astype(np.float32)
    root = root.astype(np.float32)
    along = np.clip(((canvas.x - root[0]) * line[0] + (canvas.y - root[1]) * line[1]) / (line @ line), 0, 1)
    neck = np.hypot(canvas.x - root[0] - along * line[0], canvas.y - root[1] - along * line[1])
    thick = mix(depth * 0.75, radius * (0.85 if traits["neck"] < 0.1 else 0.62), along)
    outline = _join_shapes(_join_shapes(trunk, neck - thick, 0.05), from_head - radius, 0.04)
    return outline, from_head / radius


def _join_shapes(first: np.ndarray, second: np.ndarray, softness: float) -> np.ndarray:
    """The signed distance to the smooth union of two shapes, from those to each."""
    share = np.clip(0.5 + 0.5 * (second - first) / softness, 0, 1)
    return mix(second, first, share) - softness * share * (1 - share)


def _shade_roundness(canvas: Canvas, inside: np.ndarray, distance: np.ndarray, depth: float) -> None:
    rise = np.clip(-distance / (depth * 0.9), 0, 1)
    height = np.sqrt(np.clip(1 - (1 - rise) ** 2, 0, 1)) * depth * 0.9 * canvas.scale
    slope_y, slope_x = np.gradient(height)
    light = (0.72 + 0.5 * slope_y - 0.12 * slope_x) / np.sqrt(1 + slope_x**2 + slope_y**2)
    canvas.shade(mix(np.ones(canvas.shape, np.float32), np.clip(0.45 + 0.78 * light, 0.35, 1.2), inside))


def _paint_tail(
    canvas: Canvas,
    body: Frame,
    depth: float,
    traits: BirdTraits,
    colours: Sequence[np.ndarray],
    view: np.random.Generator,
) -> None:
    kind, length, width = traits["tail"]
    angle = {"cocked": 1.15}.get(kind, -0.12) + view.uniform(-0.15, 0.15)
    root = body.to_canvas([-LENGTH * 0.72, depth * 0.1])
    back = colours[3]
    n = 5
    for number in range(n):
        across = number / (n - 1) - 0.5
        factors = {
            "notched": 0.86 + 0.32 * abs(across),
            "round": 1 - 0.5 * abs(across) ** 1.5,
            "pointed": 1.05 - 1.1 * abs(across),
        }
        long = length * factors.get(kind, 0.97 + 0.04 * abs(across)) + LENGTH * 0.25
        spread = across * view.uniform(0.9, 1.3) * width * 2.2
        feather = spline([
            (0, -width * 0.25), (long * 0.6, -width * 0.42), (long * 0.97, -width * 0.3), (long, 0),
            (long * 0.96, width * 0.3), (long * 0.5, width * 0.42), (0, width * 0.25),
        ])  # fmt: skip
        axis = np.arctan2(-body.forward[1], -body.forward[0])
        feather = rotate(feather, axis - angle + spread) + root
        mask = canvas.mask(feather)
        is_light = number in (0, n - 1) and traits["tail_light"]
        canvas.paint(
            mask, traits["light"] if is_light else shift_colour(back, value=0.8 + 0.12 * (number % 2))
        )
        shaft = rotate(np.array([(0, 0), (long, 0)]), axis - angle + spread) + root
        canvas.tint(canvas.lines([shaft], 0.006) * mask * 0.6, shift_colour(back, value=0.4))


def _paint_legs(canvas: Canvas, body: Frame, depth: float, traits: BirdTraits) -> np.ndarray:
    """Paint both legs and gripping toes; returns the point between the feet."""
    hip = body.to_canvas([-LENGTH * 0.02, -depth * 0.78])
    ground = float(hip[1]) + traits["legs"] + 0.05
    colour = shift_colour(traits["bill_colour"], saturation=0.8, value=0.75)
    thick = 0.02 if traits["legs"] < 0.3 else 0.017
    for offset, value in ((0.075, 0.7), (0.0, 1.0)):
        top, foot = hip + [offset - 0.01, -0.05], np.array([hip[0] + offset - 0.015, ground])
        knee = mix(top, foot, 0.5) + [0.035 + 0.06 * traits["legs"], 0]
        canvas.paint(
            canvas.lines([np.array([top, knee]), np.array([knee, foot])], thick),
            shift_colour(colour, value=value),
        )
        toes = [
            spline([foot, foot + [dx * 0.6, -0.008], foot + [dx, 0.022]], closed=False)
            for dx in (-0.085, -0.055, 0.05)
        ]
        canvas.paint(canvas.lines(toes, thick * 0.85), shift_colour(colour, value=value))
    return np.array([hip[0] + 0.02, ground])


def _paint_bill(canvas: Canvas, head: Frame, traits: BirdTraits) -> None:
    kind, length, deep = traits["bill"]
    length, radius, colour = length * traits["bill_length"], traits["head"], traits["bill_colour"]
    reach, half = radius * 0.8 + length, deep / 2
    gape = np.array([radius * 0.6, -0.02])
    drop = {"curved": -0.3 * length, "hook": -0.85 * deep, "great": -0.16 * length}.get(kind, -0.03 * length)
    bulge = {"cone": 0.85, "hook": 1.25, "great": 1.15, "thin": 0.62, "curved": 0.75}.get(kind, 0.75)
    middle = (radius * 0.8 + 0.55 * length, (bulge - 0.1) * half + 0.3 * drop)
    tip = (reach, drop - 0.02)
    upper = spline([(radius * 0.6, half), middle, tip], closed=False)
    line = spline([tuple(gape), (radius * 0.8 + 0.5 * length, 0.32 * drop - 0.02), tip], closed=False)
    low_tip = (
        reach - 0.06 * length - (0.5 * length if kind == "hook" else 0),
        drop * (0.55 if kind == "hook" else 0.95) - 0.025,
    )
    lower = spline(
        [(radius * 0.6, -half), (radius * 0.8 + 0.45 * length, -half * 0.72 + 0.3 * drop), low_tip],
        closed=False,
    )
    canvas.paint(
        canvas.mask(head.to_canvas(np.concatenate([line, lower[::-1]]))), shift_colour(colour, value=0.72)
    )
    mask = canvas.mask(head.to_canvas(np.concatenate([upper, line[::-1]])))
    canvas.paint(mask, colour)
    canvas.tint(canvas.lines([head.to_canvas(upper * [1, 0.7])], 0.014) * mask * 0.45, (1, 1, 1))
    canvas.tint(canvas.lines([head.to_canvas(line)], 0.008) * 0.8, shift_colour(colour, value=0.3))
    if kind == "great":
        h, _ = head.locate_pixels(canvas)
        canvas.tint(mask * step(h, reach - 0.3 * length * traits["width"], 0.01), traits["ink"])


def _paint_crest(
    canvas: Canvas, head: Frame, traits: BirdTraits, colour: np.ndarray, view: np.random.Generator
) -> None:
    size = traits["crest"] * traits["head"] * view.uniform(0.7, 1.2)
    if size == 0:
        return
    radius = traits["head"]
    for number in range(4):
        root = np.array([radius * (0.2 - 0.35 * number), radius * (0.85 - 0.12 * number)])
        tip = root + np.array([-size * (0.85 + 0.2 * number), size * (0.62 - 0.22 * number)])
        tuft = spline(
            [
                root + [radius * 0.3, -0.05],
                mix(root, tip, 0.5) + [0, 0.012],
                tip,
                mix(root, tip, 0.5) - [0.01, 0.014],
                root - [radius * 0.3, 0.06],
            ]
        )
        canvas.paint(canvas.mask(head.to_canvas(tuft)), shift_colour(colour, value=0.75 + 0.08 * number))


def _paint_eye(canvas: Canvas, head: Frame, traits: BirdTraits) -> None:
    radius = traits["head"]
    centre = head.to_canvas([radius * 0.3, radius * 0.14])
    size = radius * (0.2 if traits["bill"][0] != "great" else 0.17)
    canvas.tint(
        canvas.disc(centre, size * 1.28) * 0.6,
        traits["accent"] if traits["bill"][0] in ("great", "hook") else traits["light"],
    )
    canvas.tint(canvas.disc(centre, size), (0.05, 0.04, 0.04))
    canvas.tint(canvas.disc(centre + np.array([-0.32, -0.36]) * size, size * 0.28), (1, 1, 1))
