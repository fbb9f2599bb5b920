"""Drawing a fish from the side, facing left: the genus gives the build, the species the markings."""

import numpy as np

from nearkin.museum.paint import Canvas, band, hsv, mixed, noise, shifted, spline, step

# depth and peak of the body, bluntness of the head, peduncle; tail; first and second dorsal fin; anal fin
BUILDS = (
    {"depth": 0.64, "peak": 0.42, "blunt": 0.2, "snout": 0.07, "peduncle": 0.2, "tail": "straight", "reach": 0.16,
     "dorsal": ((0.3, 0.9, 0.13, 0.9),), "anal": (0.58, 0.9, 0.14), "eye": 0.042},  # butterflyfish
    {"depth": 0.6, "peak": 0.48, "blunt": 0.55, "snout": 0.0, "peduncle": 0.22, "tail": "round", "reach": 0.2,
     "dorsal": ((0.32, 0.92, 0.3, 1.6),), "anal": (0.6, 0.92, 0.28), "eye": 0.036},  # angelfish
    {"depth": 0.27, "peak": 0.36, "blunt": 0.5, "snout": 0.02, "peduncle": 0.46, "tail": "round", "reach": 0.2,
     "dorsal": ((0.27, 0.92, 0.075, 0.3),), "anal": (0.52, 0.9, 0.07), "eye": 0.028},  # wrasse
    {"depth": 0.38, "peak": 0.36, "blunt": 0.75, "snout": 0.0, "peduncle": 0.36, "tail": "round", "reach": 0.22,
     "dorsal": ((0.3, 0.62, 0.12, 0.0), (0.62, 0.9, 0.15, 0.8)), "anal": (0.64, 0.86, 0.14), "eye": 0.034},  # grouper
    {"depth": 0.4, "peak": 0.32, "blunt": 0.45, "snout": 0.03, "peduncle": 0.26, "tail": "fork", "reach": 0.26,
     "dorsal": ((0.27, 0.6, 0.13, 0.0), (0.6, 0.87, 0.1, 0.4)), "anal": (0.64, 0.84, 0.11), "eye": 0.04},  # snapper
    {"depth": 0.5, "peak": 0.42, "blunt": 0.85, "snout": 0.0, "peduncle": 0.15, "tail": "moon", "reach": 0.27,
     "dorsal": ((0.2, 0.93, 0.11, 0.5),), "anal": (0.4, 0.92, 0.1), "eye": 0.03},  # surgeonfish
    {"depth": 0.3, "peak": 0.38, "blunt": 0.4, "snout": 0.02, "peduncle": 0.13, "tail": "moon", "reach": 0.3,
     "dorsal": ((0.27, 0.42, 0.1, -0.3), (0.48, 0.92, 0.16, -1.6)), "anal": (0.52, 0.92, 0.15), "eye": 0.032},  # jack
    {"depth": 0.46, "peak": 0.4, "blunt": 0.7, "snout": 0.0, "peduncle": 0.3, "tail": "fork", "reach": 0.24,
     "dorsal": ((0.28, 0.88, 0.13, 0.8),), "anal": (0.58, 0.86, 0.15), "eye": 0.05},  # damselfish
    {"depth": 0.2, "peak": 0.24, "blunt": 0.8, "snout": 0.0, "peduncle": 0.5, "tail": "round", "reach": 0.2,
     "dorsal": ((0.3, 0.46, 0.16, -0.5), (0.5, 0.92, 0.12, 0.4)), "anal": (0.54, 0.9, 0.1), "eye": 0.036},  # goby
)  # fmt: skip

# back, flank, belly, fins: shared by many genera, so that colour alone names nobody
PALETTES = (
    ((0.58, 0.45, 0.5), (0.57, 0.2, 0.78), (0.12, 0.04, 0.96), (0.56, 0.25, 0.7)),
    ((0.12, 0.75, 0.8), (0.14, 0.6, 0.95), (0.14, 0.2, 0.98), (0.13, 0.75, 0.9)),
    ((0.05, 0.8, 0.75), (0.07, 0.75, 0.95), (0.1, 0.3, 0.98), (0.08, 0.8, 0.9)),
    ((0.1, 0.5, 0.42), (0.11, 0.4, 0.64), (0.12, 0.2, 0.85), (0.1, 0.4, 0.55)),
    ((0.0, 0.7, 0.62), (0.99, 0.5, 0.85), (0.03, 0.15, 0.95), (0.0, 0.6, 0.8)),
    ((0.46, 0.55, 0.48), (0.42, 0.4, 0.72), (0.2, 0.2, 0.9), (0.5, 0.5, 0.65)),
)
MARKS = ("bars", "stripes", "spots", "saddle", "eyespot", "midline", "girdles", "blotches")


def genus_traits(rng, number):
    """What all species of the `number`-th fish genus share: build, kind of marking, palette."""
    traits = dict(BUILDS[number % len(BUILDS)])
    for key in ("depth", "peak", "peduncle", "reach", "eye"):
        traits[key] *= rng.uniform(0.93, 1.07)
    return traits | {
        "marks": MARKS[(number * 3 + number // len(MARKS)) % len(MARKS)],
        "palette": PALETTES[rng.integers(len(PALETTES))],
        "ink": hsv(rng.choice([0.6, 0.07, 0.0, 0.95]), 0.5, 0.16),
        "light": hsv(rng.choice([0.13, 0.5, 0.58]), 0.15, 0.97),
        "first": int(rng.integers(0, 2)),
        "slope": rng.uniform(-0.1, 0.2),
        "eye_bar": rng.random() < 0.4,
        "fin_edge": rng.random() < 0.5,
        "tail_spot": rng.random() < 0.3,
        "dark_tail": rng.random() < 0.35,
    }


def species_traits(rng, genus, rank):
    """One species: its genus's traits with its own count, place and width of the markings."""
    return genus | {
        "rank": rank,
        "count": genus["first"] + rank,
        "place": rng.uniform(-0.02, 0.02) + 0.06 * ((rank % 3) - 1),
        "width": rng.uniform(0.92, 1.08) * (1.0, 0.8, 1.22)[rank % 3],
        "hue": rng.uniform(-0.025, 0.025),
        "eye_bar": genus["eye_bar"] ^ (rank % 2 == 1 and rng.random() < 0.3),
        "fin_edge": genus["fin_edge"] ^ (rng.random() < 0.15),
        "tail_spot": genus["tail_spot"] ^ (rng.random() < 0.15),
        "dark_tail": genus["dark_tail"] ^ (rng.random() < 0.12),
        "pattern_seed": int(rng.integers(2**31)),
        "depth": genus["depth"] * rng.uniform(0.97, 1.03),
    }


class _Body:
    """The outline: upper and lower edge at each place between nose (0) and root of the tail (1)."""

    def __init__(self, traits, bend):
        blunt, peak, peduncle = traits["blunt"], traits["peak"], traits["peduncle"]
        half = traits["depth"] / 2
        points = [
            (-traits["snout"], 0.02), (0.02, 0.1 + 0.24 * blunt), (0.1, 0.38 + 0.3 * blunt),
            (0.6 * peak, 0.84 + 0.08 * blunt), (peak, 1.0), ((peak + 0.92) / 2, 0.76),
            (0.92, peduncle), (1.0, peduncle * 1.12),
        ]  # fmt: skip
        curve = spline(points, closed=False, steps=12)
        self.places, self.half = curve[:, 0], curve[:, 1] * half
        self.bend = bend
        self.nose = -traits["snout"]

    def axis(self, x):
        return self.bend * np.clip(np.asarray(x) - 0.35, 0, None) ** 2

    def top(self, x):
        return self.axis(x) - np.interp(x, self.places, self.half) * 1.04

    def bottom(self, x):
        return self.axis(x) + np.interp(x, self.places, self.half) * 0.96

    def outline(self):
        x = self.places
        upper, lower = np.stack([x, self.top(x)], 1), np.stack([x, self.bottom(x)], 1)
        return np.concatenate([upper, lower[::-1]])


def draw(traits, own, view, pixels_per_unit):
    """An RGBA picture of one fish; the body is one unit long, nose at the left.

    `own` holds what is the animal's own (a generator), `view` what changes between pictures.
    """
    body = _Body(traits | {"depth": traits["depth"] * own.uniform(0.96, 1.04)}, view.uniform(-0.12, 0.12))
    canvas = Canvas((-0.14, -0.66, 1.36, 0.66), pixels_per_unit)
    hue = traits["hue"] + own.normal(0, 0.008)
    back, flank, belly, fins = (hsv(h + hue, s, v * own.uniform(0.95, 1.05)) for h, s, v in traits["palette"])
    spread = view.uniform(0.75, 1.1)
    fin_mask = _fins(canvas, body, traits, fins, spread)
    place = np.broadcast_to(canvas.x, canvas.shape)
    top, bottom = body.top(canvas.x), body.bottom(canvas.x)
    across = np.clip(2 * (canvas.y - top) / (bottom - top + 1e-6) - 1, -1.3, 1.3)  # -1 back, 1 belly
    inside = canvas.mask(body.outline())
    ground = mixed(flank, back, step(-across, 0.35, 0.35)[..., None])
    ground = mixed(ground, belly, step(across, 0.5, 0.4)[..., None] * 0.85)
    canvas.paint(inside, ground)
    covered = np.maximum(inside, fin_mask * 0.75)
    warp = noise(own, canvas.shape, 7)
    along, wavy = place + 0.012 * warp, across + 0.07 * np.roll(warp, 9, axis=0)
    _mark(canvas, covered, inside, along, wavy, traits, own)
    _relief(canvas, inside, place, across, view)
    _head(canvas, inside, body, place, traits, flank, view)
    _pectoral(canvas, body, fins, view)
    return canvas.image()


def _rays(base, edge, n):
    picks = np.linspace(0.04, 0.96, n)
    sides = []
    for line in (base, edge):
        at = np.linspace(0, 1, len(line))
        sides.append(np.stack([np.interp(picks, at, line[:, 0]), np.interp(picks, at, line[:, 1])], 1))
    return [(first, second) for first, second in zip(*sides, strict=True)]


def _fin(canvas, base, edge, colour, n_rays, edge_colour=None):
    """A fin between two lines: translucent skin, rays, a darker root."""
    mask = canvas.mask(np.concatenate([base, edge[::-1]]))
    canvas.paint(mask * 0.86, colour)
    canvas.tint(canvas.lines(_rays(base, edge, n_rays), 0.006) * mask * 0.5, shifted(colour, value=0.55))
    if edge_colour is not None:
        canvas.tint(canvas.lines([edge], 0.022) * mask, edge_colour)
    return mask


def _fins(canvas, body, traits, colour, spread):
    edge_colour = traits["ink"] if traits["fin_edge"] else None
    total = np.zeros(canvas.shape, np.float32)
    for first, last, height, swept in traits["dorsal"]:
        total = np.maximum(total, _long_fin(canvas, body.top, (first, last, -height * spread, swept), colour, edge_colour))
    first, last, height = traits["anal"]
    swept = traits["dorsal"][-1][3]
    total = np.maximum(total, _long_fin(canvas, body.bottom, (first, last, height * spread, swept), colour, edge_colour))
    x = traits["peak"] * 0.85
    y = float(body.bottom(x)) - 0.02
    base = np.array([(x, y), (x + 0.09, y)])
    edge = np.array([(x + 0.08, y + 0.13 * spread), (x + 0.13, y + 0.07)])
    _fin(canvas, base, edge, shifted(colour, value=0.9), 5)
    tail_colour = shifted(colour, value=0.45) if traits["dark_tail"] else colour
    return np.maximum(total, _tail(canvas, body, traits, tail_colour, spread, edge_colour))


def _long_fin(canvas, side, shape, colour, edge_colour):
    first, last, height, swept = shape
    t = np.linspace(0, 1, 40)
    x = first + (last - first) * t
    base = np.stack([x, side(x)], 1)
    if swept == 0:  # spines: a rising start and a saw edge
        profile = np.sin(np.pi * np.clip(t, 0, 0.8) / 0.9) ** 0.6 * (1 - 0.25 * np.abs(np.sin(t * np.pi * 8)))
    elif swept < 0:  # a sickle in front, low behind
        profile = np.exp(-(((t - 0.18) / 0.16) ** 2)) + 0.3 * (1 - t) + 0.08
    else:  # highest towards the end
        profile = 0.45 * np.sin(np.pi * np.clip(t * 1.4, 0, 0.5)) + 0.55 * np.sin(np.pi * np.clip(t, 0, 1) ** 1.6) ** 0.9
        profile = profile * (1 + 0.9 * max(swept - 0.9, 0) * np.exp(-(((t - 0.8) / 0.1) ** 2)))
        profile *= np.clip((1 - t) * 7, 0.25, 1)
    lean = 0.35 * abs(height) * (1 + max(swept, 0)) * t * np.sin(np.pi * t**1.5) + 0.3 * abs(height) * profile
    edge = np.stack([x + lean, side(x) + height * profile], 1)
    base = base - np.array([0, np.sign(height) * 0.02])
    return _fin(canvas, base, edge, colour, int(10 + 26 * (last - first)), edge_colour)


def _tail(canvas, body, traits, colour, spread, edge_colour):
    reach, kind = traits["reach"], traits["tail"]
    axis, root = float(body.axis(1.0)), float(body.bottom(1.0) - body.axis(1.0))
    high = {"straight": 0.15, "round": 0.14, "fork": 0.2, "moon": 0.25}[kind] * spread * (0.75 + traits["depth"] * 0.6)
    notch = {"straight": 0.94, "round": 1.12, "fork": 0.5, "moon": 0.42}[kind] * reach
    mid = {"straight": 0.97, "round": 1.08, "fork": 0.72, "moon": 0.5}[kind] * reach
    corner = (0.8 if kind == "round" else 1.0) * reach
    edge = spline(
        [(1 + corner, -high), (1 + mid, -high * 0.5), (1 + notch, 0), (1 + mid, high * 0.5), (1 + corner, high)],
        closed=False,
    )
    edge = edge + np.array([0, axis + body.bend * 0.3])
    upper = spline([(0.985, -root), (1 + 0.4 * reach, -high * 0.72), (1 + corner, -high)], closed=False)
    upper = upper + np.array([0, axis])
    lower = (upper - np.array([0, axis])) * np.array([1, -1]) + np.array([0, axis])
    mask = canvas.mask(np.concatenate([upper, edge, lower[::-1]]))
    canvas.paint(mask * 0.92, colour)
    base = np.stack([np.full(9, 0.99), np.linspace(-root, root, 9) + axis], 1)
    canvas.tint(canvas.lines(_rays(base, edge, 17), 0.006) * mask * 0.5, shifted(colour, value=0.55))
    if edge_colour is not None:
        canvas.tint(canvas.lines([edge], 0.024) * mask, edge_colour)
    return mask


def _mark(canvas, covered, inside, along, across, traits, own):
    """The species' markings, on the body and partly on the fins."""
    ink, light, count, place = traits["ink"], traits["light"], traits["count"], traits["place"]
    width, kind = traits["width"], traits["marks"]
    own_place = place + own.normal(0, 0.012)
    if kind == "bars":
        for centre in np.linspace(0.3, 0.86, count + 4) + own_place * 0.5:
            slanted = along + traits["slope"] * 0.3 * across
            canvas.tint(band(slanted, centre, 0.024 * width * (1 - 0.25 * across), 0.008) * covered * 0.92, ink)
    elif kind == "stripes":
        lines = np.linspace(-0.72, 0.55, count + 3)
        for centre in lines + own_place:
            canvas.tint(band(across, centre, 0.075 * width * 4 / (count + 3), 0.03) * inside * (along > 0.16) * 0.9, ink)
    elif kind in ("spots", "blotches"):
        _spots(canvas, inside, along, across, traits, own)
    elif kind == "saddle":
        edge = 0.56 + 1.3 * own_place + traits["slope"] * across
        canvas.tint(step(along, edge, 0.02) * covered * 0.9, ink)
        canvas.tint(band(along - traits["slope"] * across, 0.56 + 1.3 * own_place, 0.02 * width, 0.008) * inside, light)
    elif kind == "eyespot":
        for number in range(1 + (count > 1)):
            x, y = 0.78 + own_place - 0.28 * number, -0.45 + 2 * place * (1 - number)
            distance = np.hypot((along - x) / 0.055, (across - y) * traits["depth"] / 0.11) / width
            canvas.tint(step(-distance, -1.45, 0.1) * covered, light)
            canvas.tint(step(-distance, -1.0, 0.1) * covered, ink)
        for centre in np.linspace(0.3, 0.7, 5 + count):
            canvas.tint(band(along + 0.12 * across, centre, 0.005, 0.004) * inside * 0.5, ink)
    elif kind == "midline":
        centre = -0.12 + 1.6 * own_place
        canvas.tint(band(across, centre, 0.16 * width, 0.04) * covered * 0.9, ink)
        canvas.tint(band(across, centre - 0.3 * width, 0.07, 0.03) * inside * (0.8 if count > 1 else 0.0), light)
    elif kind == "girdles":
        for centre in np.linspace(0.27, 0.86, 2 + count % 3) + own_place * 0.5:
            slanted = along - 0.05 * (1 - across**2) * (centre - 0.5)
            canvas.tint(band(slanted, centre, 0.062 * width, 0.007) * covered, ink)
            canvas.tint(band(slanted, centre, 0.046 * width, 0.007) * covered, light)
    if traits["tail_spot"]:
        distance = np.hypot((along - 0.93) / 0.045, across / 0.9)
        canvas.tint(step(-distance, -1, 0.15) * covered * 0.9, ink)
    if traits["eye_bar"]:
        canvas.tint(band(along + 0.05 * across, 0.13, 0.03, 0.01) * inside * 0.9, ink)


def _spots(canvas, inside, along, across, traits, own):
    layout = np.random.default_rng(traits["pattern_seed"])
    large = traits["marks"] == "blotches"
    n = (5 + 2 * traits["count"]) if large else (26 + 26 * traits["count"])
    radius = (0.062 if large else 0.021) * traits["width"]
    golden = (np.arange(n) * 0.618034) % 1
    x = 0.2 + 0.72 * (np.arange(n) + 0.5) / n + layout.normal(0, 0.02, n) + own.normal(0, 0.006, n)
    y = -0.8 + (1.1 if large else 1.35) * golden + layout.normal(0, 0.06, n) + own.normal(0, 0.02, n)
    size = radius * layout.uniform(0.7, 1.3, n)
    if large:
        y = np.where(np.arange(n) % 2, -0.45, 0.05) + layout.normal(0, 0.1, n)
    nearest = np.full(canvas.shape, 9.0, np.float32)
    for i in range(n):
        distance = np.hypot(along - x[i], (across - y[i]) * traits["depth"] / 2)
        nearest = np.minimum(nearest, distance / size[i])
    colour = traits["light"] if traits["slope"] > 0.1 and not large else traits["ink"]
    canvas.tint(step(-nearest, -1, 0.18) * inside * 0.9, colour)


def _relief(canvas, inside, place, across, view):
    """Scales, roundness, the wet shine along the back, a lateral line."""
    rows, columns = canvas.y * 62, place * 54
    odd = np.floor(rows) % 2 * 0.5
    scale = np.hypot((columns + odd) % 1 - 0.75, rows % 1 - 0.5)
    strength = 0.2 * step(place, 0.24, 0.06) * inside
    canvas.shade(1 - strength * np.clip(scale - 0.35, 0, 0.5))
    height = np.sqrt(np.clip(1 - across**2, 0, 1))
    light = 0.5 + 0.52 * height - 0.24 * across
    canvas.shade(mixed(np.ones(canvas.shape, np.float32), light, inside))
    shine = band(across, -0.46 + view.uniform(-0.1, 0.1), 0.02, 0.22) * inside * step(place, 0.05, 0.05)
    canvas.tint(shine * 0.28, (1, 1, 1))
    canvas.tint(band(across, -0.22 + 0.15 * place, 0.008, 0.015) * inside * (place > 0.24) * 0.2, (0.1, 0.1, 0.1))


def _head(canvas, inside, body, place, traits, flank, view):
    size, dark = traits["eye"], shifted(flank, value=0.35)
    eye = np.array([0.115 + 0.4 * size, -0.1 * traits["depth"] - 0.2 * size + float(body.axis(0.1))])
    gill_x = 0.215 + 0.1 * size
    gill = spline([(gill_x - 0.04, -0.2 * traits["depth"]), (gill_x + 0.025, 0.02), (gill_x - 0.05, 0.3 * traits["depth"])], closed=False)
    canvas.tint(canvas.lines([gill], 0.012) * inside * 0.5, dark)
    canvas.tint(canvas.lines([gill + 0.012], 0.012) * inside * 0.25, (1, 1, 1))
    jaw = 0.05 + 0.04 * traits["blunt"]
    low = 0.03 * traits["depth"] + 0.01
    mouth = spline([(body.nose - 0.01, low * 0.6), (body.nose + jaw * 0.6, low * 1.4), (body.nose + jaw, low * 2.6)], closed=False)
    canvas.tint(canvas.lines([mouth], 0.01) * inside * 0.85, dark)
    canvas.paint(canvas.disc(eye, size * 1.18), shifted(flank, value=0.6))
    canvas.paint(canvas.disc(eye, size), hsv(0.12 + traits["hue"], 0.5, 0.88))
    canvas.paint(canvas.disc(eye, size * 0.62), (0.03, 0.03, 0.05))
    canvas.paint(canvas.disc(eye + np.array([-0.3, -0.32]) * size, size * 0.2), (1, 1, 1))


def _pectoral(canvas, body, colour, view):
    """The fin at the side, in any phase of its stroke."""
    stroke = view.uniform(-0.5, 0.9)
    x, y = 0.27, 0.03
    t = np.linspace(-0.45, 0.45, 9) + stroke
    length = 0.17 * (1 - 1.4 * (t - stroke) ** 2)
    edge = np.stack([x + length * np.cos(t), y + length * np.sin(t)], 1)
    base = np.stack([np.full(9, x), np.linspace(y - 0.02, y + 0.025, 9)], 1)
    mask = canvas.mask(np.concatenate([base, spline(edge, closed=False)[::-1]]))
    canvas.paint(mask * 0.55, shifted(colour, value=0.95))
    canvas.tint(canvas.lines(_rays(base, edge, 9), 0.006) * mask * 0.45, shifted(colour, value=0.5))
    canvas.tint(canvas.lines([edge], 0.007) * 0.3, shifted(colour, value=0.4))
