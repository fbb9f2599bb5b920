"""Drawing a butterfly, head up: the genus gives the cut of the wings, the species their pattern."""

import numpy as np
from PIL import Image

from nearkin.museum.paint import Canvas, band, hsv, mixed, noise, shifted, spline, step, turned

# Outlines from the root of the wing along the leading edge and around, right side; x outwards, y downwards.
_BROAD = [(0, -0.03), (0.2, -0.22), (0.46, -0.43), (0.58, -0.45), (0.57, -0.3), (0.5, -0.12), (0.45, 0.0), (0.2, 0.06)]
_LONG = [(0, -0.03), (0.25, -0.2), (0.55, -0.33), (0.7, -0.3), (0.66, -0.2), (0.5, -0.08), (0.38, -0.01), (0.18, 0.04)]
_HOOKED = [(0, -0.03), (0.2, -0.25), (0.45, -0.46), (0.61, -0.46), (0.53, -0.33), (0.5, -0.14), (0.48, 0.0), (0.2, 0.06)]
_ROUND = [(0, -0.03), (0.18, -0.2), (0.38, -0.37), (0.5, -0.36), (0.52, -0.22), (0.47, -0.08), (0.4, 0.01), (0.18, 0.05)]
_STEEP = [(0, -0.03), (0.12, -0.28), (0.3, -0.52), (0.42, -0.56), (0.46, -0.36), (0.45, -0.14), (0.42, 0.0), (0.18, 0.06)]
_HIND = [(0, -0.02), (0.2, -0.06), (0.42, -0.02), (0.47, 0.12), (0.42, 0.28), (0.3, 0.4), (0.14, 0.42), (0.02, 0.26)]
_SMALL = [(0, -0.02), (0.2, -0.05), (0.38, 0.0), (0.4, 0.12), (0.34, 0.24), (0.22, 0.32), (0.1, 0.32), (0.02, 0.2)]
_LONG_HIND = [(0, -0.02), (0.18, -0.06), (0.38, 0.0), (0.42, 0.16), (0.36, 0.36), (0.24, 0.5), (0.1, 0.48), (0.02, 0.28)]
BUILDS = (
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
# ground, root of the wings, second colour: shared by many genera
PALETTES = (
    ((0.07, 0.85, 0.9), (0.05, 0.7, 0.5), (0.13, 0.6, 0.97)),
    ((0.58, 0.7, 0.85), (0.6, 0.6, 0.45), (0.52, 0.35, 0.95)),
    ((0.14, 0.5, 0.97), (0.13, 0.6, 0.8), (0.07, 0.8, 0.93)),
    ((0.07, 0.5, 0.5), (0.06, 0.6, 0.34), (0.09, 0.55, 0.82)),
    ((0.13, 0.08, 0.96), (0.14, 0.25, 0.8), (0.1, 0.7, 0.93)),
    ((0.42, 0.55, 0.7), (0.4, 0.6, 0.4), (0.2, 0.4, 0.93)),
)
PATTERNS = ("bordered", "banded", "eyed", "tipped", "zebra", "chequered", "flushed", "starred")
N_VEINS = 7


def genus_traits(rng, number):
    """What all species of the `number`-th butterfly genus share: wings, kind of pattern, palette."""
    traits = dict(BUILDS[number % len(BUILDS)])
    return traits | {
        "stretch": rng.uniform(0.93, 1.08),
        "pattern": PATTERNS[(number * 3 + number // len(PATTERNS)) % len(PATTERNS)],
        "palette": PALETTES[rng.integers(len(PALETTES))],
        "ink": hsv(rng.choice([0.06, 0.6, 0.02]), 0.5, 0.13),
        "light": hsv(rng.choice([0.13, 0.56]), 0.1, 0.97),
        "first": int(rng.integers(2)),
        "veins": rng.uniform(0.1, 0.75),
        "border": rng.uniform(0.08, 0.13),
        "rows": int(rng.integers(3)),
        "cell_mark": rng.random() < 0.5,
    }


def species_traits(rng, genus, rank):
    """One species: its genus's traits with its own bands, borders, spots and eyespots."""
    return genus | {
        "count": genus["first"] + rank,
        "place": 0.045 * ((rank % 3) - 1) + rng.uniform(-0.015, 0.015),
        "width": rng.uniform(0.93, 1.07) * (1.0, 0.82, 1.2)[rank % 3],
        "hue": rng.uniform(-0.02, 0.02),
        "border": genus["border"] * (1.0, 1.3, 0.8)[rank % 3],
        "rows": genus["rows"] if rank != 2 else (genus["rows"] + 1) % 3,
        "spot": rng.uniform(0.8, 1.2),
        "cell_mark": genus["cell_mark"] ^ (rng.random() < 0.2),
    }


class _Wing:
    """Wing coordinates of every pixel: how far out (0 root, 1 margin), and where between the edges (0 to 1)."""

    def __init__(self, canvas, outline, traits, tail):
        outline = np.array(outline) * [1, traits["stretch"]]
        points = spline(outline, steps=10)
        angles = np.arctan2(points[:, 1], points[:, 0])
        radii = np.hypot(points[:, 0], points[:, 1])
        outer = radii > 0.12
        order = np.argsort(angles[outer])
        self._angles, self._radii = angles[outer][order], radii[outer][order]
        self.first, self.last = self._angles[0], self._angles[-1]
        theta = np.arctan2(canvas.y + 0 * canvas.x, canvas.x + 0 * canvas.y)
        self.between = (theta - self.first) / (self.last - self.first)
        self.out = np.hypot(canvas.x, canvas.y) / np.interp(theta, self._angles, self._radii)
        self.polygon = self._margin(points, traits["scallop"], tail)
        self.mask = canvas.mask(self.polygon)

    def _margin(self, points, scallop, tail):
        """The outline with its scallops and its tail."""
        radius = np.hypot(points[:, 0], points[:, 1])
        share = (np.arctan2(points[:, 1], points[:, 0]) - self.first) / (self.last - self.first)
        edge = np.clip(radius / radius.max() * 3 - 1.4, 0, 1) * (share > 0.12)
        grow = 1 + 0.035 * scallop * edge * np.cos(share * 2 * np.pi * N_VEINS)
        grow = grow + tail / 0.5 * np.exp(-(((share - 0.7) / (0.035 + 0.03 * (tail < 0.1))) ** 2))
        return points * grow[:, None]

    def at(self, between, out):
        """The point at these wing coordinates."""
        theta = self.first + np.asarray(between) * (self.last - self.first)
        radius = np.interp(theta, self._angles, self._radii) * out
        return np.stack([radius * np.cos(theta), radius * np.sin(theta)], -1)


def draw(traits, own, view, pixels_per_unit, *, ventral=False, folded=False):
    """An RGBA picture of one butterfly, head up: open wings, or the side view of folded ones.

    The side view shows the wings to the right of the body; turn it by a quarter to let it sit.
    `own` holds what is the animal's own (a generator), `view` what changes between pictures.
    """
    canvas = Canvas((-0.1, -0.72, 0.82, 0.86), pixels_per_unit)
    half = _half(canvas, traits, own, ventral, folded)
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
        for side, squash in zip((half, half.transpose(Image.FLIP_LEFT_RIGHT)), openness, strict=True):
            wide = max(2, round(side.width * squash))
            side_view = side.resize((wide, side.height), Image.BICUBIC)
            root = 0.1 * squash * pixels_per_unit
            middle = 0.82 * pixels_per_unit
            left = middle - root if side is half else middle + root - wide
            wings.alpha_composite(side_view, (max(0, round(left)), 0))
    _body(body, traits, own, view, folded)
    wings.alpha_composite(body.image())
    return wings


def _half(canvas, traits, own, ventral, folded):
    """The right pair of wings."""
    hue, worn = traits["hue"] + own.normal(0, 0.01), own.uniform(0.6, 1.1)  # old wings are pale
    colours = [hsv(h + hue, s * worn, v) for h, s, v in traits["palette"]]
    if ventral:  # paler and browner below
        colours = [mixed(colour, hsv(0.1, 0.3, 0.78), 0.42) for colour in colours]
    fore = _Wing(canvas, traits["fore"], traits, 0.0)
    hind = _Wing(canvas, turned(traits["hind"], 0.04), traits, traits["tail"])
    grain = noise(own, canvas.shape, 60) * 0.6 + noise(own, canvas.shape, 120) * 0.6
    for wing, is_fore in ((fore, True), (hind, False)) if folded else ((hind, False), (fore, True)):
        _shadow(canvas, wing)
        _paint(canvas, wing, is_fore, colours, traits, own, ventral)
        canvas.shade(1 + 0.1 * wing.mask * grain)
        furrow = np.cos(wing.between * 2 * np.pi * N_VEINS)
        canvas.shade(1 + wing.mask * (0.07 * furrow * step(wing.out, 0.35, 0.2) + 0.1 * (wing.out - 0.5)))
    return canvas.image()


def _shadow(canvas, wing):
    canvas.shade(1 - 0.3 * canvas.mask(wing.polygon * 1.02 + np.array([-0.004, 0.014])))


def _paint(canvas, wing, is_fore, colours, traits, own, ventral):
    ground, root, second = colours
    ink = traits["ink"] if not ventral else mixed(traits["ink"], ground, 0.25)
    wavy = wing.out + 0.012 * np.cos(wing.between * 2 * np.pi * N_VEINS) + own.normal(0, 0.006)
    canvas.paint(wing.mask, mixed(root, ground, step(wavy, 0.3, 0.25)[..., None]))
    _pattern(canvas, wing, wavy, is_fore, second, ink, traits, ventral)
    border = traits["border"] * (1.25 if is_fore else 1.0) * (0.6 if ventral else 1.0)
    canvas.tint(wing.mask * step(wavy, 1 - border, 0.012), ink)
    spots = [(np.arange(N_VEINS) + 0.5) / N_VEINS for _ in range(traits["rows"])]
    for row, places in enumerate(spots):
        out = 1 - border * (0.5 if row == 0 else 1.0) - 0.1 * row
        size = 0.016 * traits["spot"] * (1 - 0.25 * row)
        dots = [canvas.disc(wing.at(place, out), size) for place in places[1:]]
        canvas.tint(wing.mask * np.max(dots, axis=0), traits["light"] if row == 0 else ink)
    veins = [wing.at(np.full(9, (i + 0.5) / N_VEINS + 0.5 / N_VEINS), np.linspace(0.3, 1.0, 9)) for i in range(N_VEINS - 1)]
    canvas.tint(canvas.lines(veins, 0.007) * wing.mask * traits["veins"], ink)
    cell = wing.at(np.linspace(0.2, 0.75, 12), 0.42 + 0.07 * np.sin(np.linspace(0, np.pi, 12)))
    canvas.tint(canvas.lines([cell], 0.007) * wing.mask * traits["veins"], ink)
    canvas.tint(canvas.lines([np.concatenate([wing.polygon, wing.polygon[:1]])], 0.012) * wing.mask * 0.8, ink)


def _pattern(canvas, wing, wavy, is_fore, second, ink, traits, ventral):
    """What species of one genus share in kind but not in measure."""
    kind, place, width, count = traits["pattern"], traits["place"], traits["width"], traits["count"]
    strength = wing.mask * (0.75 if ventral else 0.95)
    if kind == "banded":
        canvas.tint(strength * band(wavy, 0.62 + place, 0.1 * width + 0.025, 0.02), ink)
        canvas.tint(strength * band(wavy, 0.62 + place, 0.1 * width, 0.02), second)
    elif kind == "eyed" or (ventral and kind == "bordered"):
        n = 1 + count % 3
        places = [0.28, 0.72] if is_fore else [0.35, 0.6, 0.82]
        for number in range(min(n + (not is_fore), len(places))):
            _eyespot(canvas, wing, wing.at(places[number], 0.72 + place), 0.05 * width * (1.15 - 0.2 * number), second, ink, traits)
    elif kind == "tipped":
        if is_fore:
            edge = wing.out - 0.55 * (wing.between - 0.1)
            canvas.tint(strength * step(edge, 0.5 + 1.3 * place, 0.02), ink)
            for number in range(2 + count):
                canvas.tint(strength * canvas.disc(wing.at(0.1 + 0.1 * number, 0.78), 0.02 * traits["spot"]), traits["light"])
        else:
            canvas.tint(strength * step(wavy, 0.8 + place, 0.05), second)
    elif kind == "zebra":
        n = 2.5 + 0.75 * count
        slanted = wing.out * 1.1 + (0.25 if is_fore else -0.15) * wing.between + place
        canvas.tint(strength * step(np.cos(slanted * 2 * np.pi * n), 0.35 - 0.35 * (width - 1), 0.15), ink)
    elif kind == "chequered":
        for row, out in enumerate(np.linspace(0.36, 0.8, 2 + count % 3) + place):
            for number in range(N_VEINS):
                centre = wing.at((number + 0.5) / N_VEINS, out + 0.03 * (number % 2))
                canvas.tint(strength * canvas.disc(centre, 0.026 * width * (0.7 + 0.4 * out)), ink if row != 1 else second)
    elif kind == "flushed":
        if is_fore:
            oval = np.hypot((wing.out - 0.6 - place) / (0.13 * width), (wing.between - 0.42) / 0.3)
            canvas.tint(strength, mixed(ink, second, 0.06))
            canvas.tint(strength * step(-oval, -1, 0.08), second)
        else:
            canvas.tint(strength, mixed(ink, second, 0.06))
            rays = step(np.cos(wing.between * 2 * np.pi * N_VEINS), -0.55 + 0.3 * (count % 3), 0.2)
            canvas.tint(strength * band(wavy, 0.5 + place, 0.24 * width, 0.05) * rays, second)
    elif kind == "starred":
        canvas.tint(strength * step(-wavy, -0.5 - place, 0.05), second)
        for number in range(3 + count):
            centre = wing.at(0.15 + 0.7 * number / (2 + count), 0.66 + place)
            canvas.tint(strength * canvas.disc(centre, 0.03 * traits["spot"] * width), traits["light"])
    if traits["cell_mark"] and is_fore:
        canvas.tint(strength * canvas.disc(wing.at(0.42, 0.42), 0.024), ink)


def _eyespot(canvas, wing, centre, size, ring, ink, traits):
    for share, colour in ((1.0, ink), (0.84, ring), (0.6, ink), (0.22, traits["light"])):
        canvas.tint(wing.mask * canvas.disc(centre, size * share), colour)


def _body(canvas, traits, own, view, folded):
    dark = mixed(traits["ink"], hsv(*traits["palette"][1]), 0.35)
    fuzz = noise(own, canvas.shape, 60)
    sway = view.uniform(-0.02, 0.02)
    parts = [
        ((sway, 0.2), 0.033, 6.0), ((0.0, -0.04), 0.05, 1.9), ((0.0, -0.155), 0.036, 0.9),
    ]  # fmt: skip
    feelers = []
    for side in (-1, 1):
        out = 0.26 if not folded or side == 1 else 0.16
        feelers.append(spline([(0.01 * side, -0.17), (0.09 * side, -0.28), (out * 0.75 * side, -0.42 - sway)], closed=False))
    canvas.paint(canvas.lines(feelers, 0.008), dark)
    for feeler in feelers:
        canvas.paint(canvas.disc(feeler[-1], 0.013), dark)
    for centre, radius, long in parts:
        mask = canvas.disc(centre, radius, squash=long)
        canvas.shade(1 - 0.3 * canvas.disc(np.array(centre) + [0.012, 0.012], radius, squash=long) * (1 - mask))
        canvas.paint(mask, shifted(dark, value=1.25))
        across = (canvas.x - centre[0]) / radius
        canvas.shade(1 - mask * (0.5 * np.clip(np.abs(across + 0.25), 0, 1) ** 2 - 0.12 * fuzz))
        if long > 5:
            canvas.tint(mask * step(np.sin(canvas.y * 130), 0.4, 0.3) * 0.35, shifted(dark, value=2.2))
    for side in (-1, 1):
        canvas.paint(canvas.disc((0.024 * side, -0.17), 0.014), (0.05, 0.04, 0.04))
