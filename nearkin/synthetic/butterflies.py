"""Drawing a butterfly, head up: the genus gives the shape of the wings, the species their pattern."""

import numpy as np
from PIL import Image

from nearkin.synthetic.butterfly_traits import ButterflyTraits
from nearkin.synthetic.paint import Canvas, hsv, mix, noise, rotate, shift_colour, spline, step
from nearkin.synthetic.wings import N_VEINS, Wing, cast_shadow, paint_wing


def draw(
    traits: ButterflyTraits,
    own: np.random.Generator,
    view: np.random.Generator,
    pixels_per_unit: float,
    *,
    ventral: bool = False,
    folded: bool = False,
) -> Image.Image:
    """An RGBA picture of one butterfly, head up: open wings, or the side view of folded ones.

    The side view shows the wings to the right of the body; turn it by a quarter to let it sit.
    `own` draws what belongs to the animal, `view` what changes between its pictures.
    """
    canvas = Canvas((-0.1, -0.72, 0.82, 0.86), pixels_per_unit)
    half = _draw_half(canvas, traits, own, ventral, folded)
    if folded:
        wings = Image.new("RGBA", half.size)
        wings.alpha_composite(half)
        body = Canvas((-0.1, -0.72, 0.82, 0.86), pixels_per_unit)
    else:
        whole = (-0.82, -0.72, 0.82, 0.86)
        body = Canvas(whole, pixels_per_unit)
        wings = Image.new("RGBA", (body.shape[1], body.shape[0]))
        tilt = view.uniform(0.72, 1.0)
        openness = np.clip([tilt * view.uniform(0.93, 1.07), tilt * view.uniform(0.93, 1.07)], 0.6, 1)
        mirrored = half.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for pair, squash in zip((half, mirrored), openness.tolist(), strict=True):
            width = max(2, round(pair.width * squash))
            squashed = pair.resize((width, pair.height), Image.Resampling.BICUBIC)
            root = 0.1 * squash * pixels_per_unit
            middle = 0.82 * pixels_per_unit
            left = middle - root if pair is half else middle + root - width
            wings.alpha_composite(squashed, (max(0, round(left)), 0))
    _paint_body(body, traits, own, view, folded)
    wings.alpha_composite(body.image())
    return wings


def _draw_half(
    canvas: Canvas, traits: ButterflyTraits, own: np.random.Generator, ventral: bool, folded: bool
) -> Image.Image:
    """The right pair of wings, RGBA."""
    hue, worn = traits["hue"] + own.normal(0, 0.01), own.uniform(0.6, 1.1)  # old wings are pale
    colours = [hsv(h + hue, s * worn, v) for h, s, v in traits["palette"]]
    if ventral:  # paler and browner below
        colours = [mix(colour, hsv(0.1, 0.3, 0.78), 0.42) for colour in colours]
    fore = Wing(canvas, traits["fore"], traits, 0.0)
    hind = Wing(canvas, rotate(traits["hind"], 0.04), traits, traits["tail"])
    grain = noise(own, canvas.shape, 60) * 0.6 + noise(own, canvas.shape, 120) * 0.6
    for wing, is_fore in ((fore, True), (hind, False)) if folded else ((hind, False), (fore, True)):
        cast_shadow(canvas, wing)
        paint_wing(canvas, wing, is_fore, colours, traits, own, ventral)
        canvas.shade(1 + 0.1 * wing.mask * grain)
        furrow = np.cos(wing.between * 2 * np.pi * N_VEINS)
        canvas.shade(1 + wing.mask * (0.07 * furrow * step(wing.out, 0.35, 0.2) + 0.1 * (wing.out - 0.5)))
    return canvas.image()


def _paint_body(
    canvas: Canvas,
    traits: ButterflyTraits,
    own: np.random.Generator,
    view: np.random.Generator,
    folded: bool,
) -> None:
    dark = mix(traits["ink"], hsv(*traits["palette"][1]), 0.35)
    fuzz = noise(own, canvas.shape, 60)
    sway = view.uniform(-0.02, 0.02)
    parts = [
        ((sway, 0.2), 0.033, 6.0), ((0.0, -0.04), 0.05, 1.9), ((0.0, -0.155), 0.036, 0.9),
    ]  # fmt: skip
    feelers = []
    for side in (-1, 1):
        out = 0.26 if not folded or side == 1 else 0.16
        feelers.append(
            spline(
                [(0.01 * side, -0.17), (0.09 * side, -0.28), (out * 0.75 * side, -0.42 - sway)], closed=False
            )
        )
    canvas.paint(canvas.lines(feelers, 0.008), dark)
    for feeler in feelers:
        canvas.paint(canvas.disc(feeler[-1], 0.013), dark)
    for centre, radius, long in parts:
        mask = canvas.disc(centre, radius, squash=long)
        canvas.shade(
            1 - 0.3 * canvas.disc(np.array(centre) + [0.012, 0.012], radius, squash=long) * (1 - mask)
        )
        canvas.paint(mask, shift_colour(dark, value=1.25))
        across = (canvas.x - centre[0]) / radius
        canvas.shade(1 - mask * (0.5 * np.clip(np.abs(across + 0.25), 0, 1) ** 2 - 0.12 * fuzz))
        if long > 5:
            canvas.tint(mask * step(np.sin(canvas.y * 130), 0.4, 0.3) * 0.35, shift_colour(dark, value=2.2))
    for side in (-1, 1):
        canvas.paint(canvas.disc((0.024 * side, -0.17), 0.014), (0.05, 0.04, 0.04))
