"""The markings of a fish: bars, stripes, spots, saddles and eyespots."""

import numpy as np

from nearkin.synthetic.fish_traits import FishTraits
from nearkin.synthetic.paint import Canvas, band, step


def draw_markings(
    canvas: Canvas,
    covered: np.ndarray,
    inside: np.ndarray,
    along: np.ndarray,
    across: np.ndarray,
    traits: FishTraits,
    own: np.random.Generator,
) -> None:
    """Paint the species' markings, on the body and partly on the fins.

    `covered` is how far each pixel is in the body or a fin, `inside` in the body; `along` goes from the
    nose (0) to the root of the tail (1), `across` from the back (-1) to the belly (1).
    """
    ink, light, offset = traits["ink"], traits["light"], traits["offset"]
    count = max(0, traits["count"] + int(own.choice([-1, 0, 0, 0, 1])))  # some have one more or less
    width, kind = traits["width"], traits["marks"]
    own_offset = offset + own.normal(0, 0.012)
    if kind == "bars":
        for centre in np.linspace(0.3, 0.86, count + 4) + own_offset * 0.5:
            slanted = along + traits["slope"] * 0.3 * across
            canvas.tint(
                band(slanted, centre, 0.024 * width * (1 - 0.25 * across), 0.008) * covered * 0.92, ink
            )
    elif kind == "stripes":
        lines = np.linspace(-0.72, 0.55, count + 3)
        for centre in lines + own_offset:
            canvas.tint(
                band(across, centre, 0.075 * width * 4 / (count + 3), 0.03) * inside * (along > 0.16) * 0.9,
                ink,
            )
    elif kind in ("spots", "blotches"):
        _paint_spots(canvas, inside, along, across, traits, own)
    elif kind == "saddle":
        edge = 0.56 + 1.3 * own_offset + traits["slope"] * across
        canvas.tint(step(along, edge, 0.02) * covered * 0.9, ink)
        canvas.tint(
            band(along - traits["slope"] * across, 0.56 + 1.3 * own_offset, 0.02 * width, 0.008) * inside,
            light,
        )
    elif kind == "eyespot":
        for number in range(1 + (count > 1)):
            x, y = 0.78 + own_offset - 0.28 * number, -0.45 + 2 * offset * (1 - number)
            distance = np.hypot((along - x) / 0.055, (across - y) * traits["depth"] / 0.11) / width
            canvas.tint(step(-distance, -1.45, 0.1) * covered, light)
            canvas.tint(step(-distance, -1.0, 0.1) * covered, ink)
        for centre in np.linspace(0.3, 0.7, 5 + count):
            canvas.tint(band(along + 0.12 * across, centre, 0.005, 0.004) * inside * 0.5, ink)
    elif kind == "midline":
        centre = -0.12 + 1.6 * own_offset
        canvas.tint(band(across, centre, 0.16 * width, 0.04) * covered * 0.9, ink)
        canvas.tint(
            band(across, centre - 0.3 * width, 0.07, 0.03) * inside * (0.8 if count > 1 else 0.0), light
        )
    elif kind == "girdles":
        for centre in np.linspace(0.27, 0.86, 2 + count % 3) + own_offset * 0.5:
            slanted = along - 0.05 * (1 - across**2) * (centre - 0.5)
            canvas.tint(band(slanted, centre, 0.062 * width, 0.007) * covered, ink)
            canvas.tint(band(slanted, centre, 0.046 * width, 0.007) * covered, light)
    if traits["tail_spot"]:
        distance = np.hypot((along - 0.93) / 0.045, across / 0.9)
        canvas.tint(step(-distance, -1, 0.15) * covered * 0.9, ink)
    if traits["eye_bar"]:
        canvas.tint(band(along + 0.05 * across, 0.13, 0.03, 0.01) * inside * 0.9, ink)


def _paint_spots(
    canvas: Canvas,
    inside: np.ndarray,
    along: np.ndarray,
    across: np.ndarray,
    traits: FishTraits,
    own: np.random.Generator,
) -> None:
    layout = np.random.default_rng(traits["pattern_seed"])
    is_large = traits["marks"] == "blotches"
    n = (5 + 2 * traits["count"]) if is_large else (26 + 26 * traits["count"])
    radius = (0.062 if is_large else 0.021) * traits["width"]
    golden = (np.arange(n) * 0.618034) % 1
    x = 0.2 + 0.72 * (np.arange(n) + 0.5) / n + layout.normal(0, 0.02, n) + own.normal(0, 0.006, n)
    y = -0.8 + (1.1 if is_large else 1.35) * golden + layout.normal(0, 0.06, n) + own.normal(0, 0.02, n)
    size = radius * layout.uniform(0.7, 1.3, n)
    if is_large:
        y = np.where(np.arange(n) % 2, -0.45, 0.05) + layout.normal(0, 0.1, n)
    nearest = np.full(canvas.shape, 9.0, np.float32)
    for i in range(n):
        distance = np.hypot(along - x[i], (across - y[i]) * traits["depth"] / 2)
        nearest = np.minimum(nearest, distance / size[i])
    colour = traits["light"] if traits["slope"] > 0.1 and not is_large else traits["ink"]
    canvas.tint(step(-nearest, -1, 0.18) * inside * 0.9, colour)
