"""Drawing a perched bird from the side, facing left: the genus gives the build, the species the plumage."""

import numpy as np

from nearkin.museum.paint import Canvas, band, hsv, mixed, noise, shifted, spline, step, turned

# build of a genus: plumpness, head, neck, bill (kind, length, depth at its root), tail, legs, posture (radians)
BUILDS = (
    {"plump": 0.7, "head": 0.155, "neck": 0.02, "bill": ("cone", 0.11, 0.1), "tail": ("notched", 0.34, 0.08),
     "legs": 0.1, "posture": 0.45, "crest": 0.0},  # finch
    {"plump": 0.58, "head": 0.125, "neck": 0.02, "bill": ("thin", 0.1, 0.035), "tail": ("straight", 0.36, 0.07),
     "legs": 0.13, "posture": 0.35, "crest": 0.0},  # warbler
    {"plump": 0.6, "head": 0.175, "neck": 0.0, "bill": ("dagger", 0.33, 0.085), "tail": ("straight", 0.17, 0.09),
     "legs": 0.04, "posture": 0.75, "crest": 0.6},  # kingfisher
    {"plump": 0.62, "head": 0.135, "neck": 0.04, "bill": ("thin", 0.14, 0.055), "tail": ("straight", 0.38, 0.1),
     "legs": 0.17, "posture": 0.55, "crest": 0.0},  # thrush
    {"plump": 0.56, "head": 0.105, "neck": 0.17, "bill": ("curved", 0.34, 0.045), "tail": ("straight", 0.17, 0.09),
     "legs": 0.4, "posture": 0.25, "crest": 0.0},  # wader
    {"plump": 0.52, "head": 0.145, "neck": 0.03, "bill": ("dagger", 0.17, 0.085), "tail": ("round", 0.5, 0.12),
     "legs": 0.15, "posture": 0.5, "crest": 1.0},  # jay
    {"plump": 0.54, "head": 0.165, "neck": 0.02, "bill": ("hook", 0.12, 0.15), "tail": ("pointed", 0.62, 0.09),
     "legs": 0.05, "posture": 0.95, "crest": 0.0},  # parrot
    {"plump": 0.78, "head": 0.145, "neck": 0.0, "bill": ("curved", 0.13, 0.035), "tail": ("cocked", 0.24, 0.09),
     "legs": 0.13, "posture": 0.2, "crest": 0.0},  # wren
    {"plump": 0.52, "head": 0.16, "neck": 0.03, "bill": ("great", 0.42, 0.16), "tail": ("straight", 0.36, 0.12),
     "legs": 0.06, "posture": 0.7, "crest": 0.0},  # toucan
)  # fmt: skip

# back, breast, belly, wing: shared by many genera
PALETTES = (
    ((0.09, 0.4, 0.42), (0.1, 0.25, 0.8), (0.12, 0.08, 0.95), (0.08, 0.45, 0.32)),
    ((0.6, 0.5, 0.48), (0.58, 0.12, 0.85), (0.58, 0.03, 0.97), (0.6, 0.45, 0.36)),
    ((0.2, 0.5, 0.46), (0.15, 0.65, 0.9), (0.15, 0.35, 0.96), (0.18, 0.45, 0.36)),
    ((0.05, 0.6, 0.5), (0.04, 0.72, 0.85), (0.08, 0.2, 0.94), (0.07, 0.5, 0.33)),
    ((0.6, 0.06, 0.4), (0.6, 0.03, 0.68), (0.6, 0.02, 0.94), (0.6, 0.08, 0.28)),
    ((0.33, 0.5, 0.42), (0.25, 0.4, 0.72), (0.17, 0.25, 0.9), (0.36, 0.5, 0.3)),
)
LENGTH = 0.31  # half the length of the body
PLUMAGES = ("streaked", "collared", "spotted", "barred", "bibbed", "plain", "girdled")


def genus_traits(rng, number):
    """What all species of the `number`-th bird genus share: build, kind of plumage, palette."""
    traits = dict(BUILDS[number % len(BUILDS)])
    for key in ("plump", "head"):
        traits[key] *= rng.uniform(0.95, 1.05)
    return traits | {
        "plumage": PLUMAGES[(number * 3 + number // len(PLUMAGES)) % len(PLUMAGES)],
        "palette": PALETTES[rng.integers(len(PALETTES))],
        "ink": hsv(rng.choice([0.07, 0.6, 0.0]), 0.4, 0.14),
        "light": hsv(0.12, 0.08, 0.96),
        "accent": hsv(rng.choice([0.0, 0.1, 0.14, 0.58]), 0.75, 0.82),
        "bill_colour": hsv(rng.choice([0.1, 0.07, 0.6, 0.0]), rng.uniform(0.2, 0.8), rng.uniform(0.25, 0.85)),
        "face": int(rng.integers(4)),
        "first": int(rng.integers(3)),
        "wing_bars": int(rng.integers(3)),
        "accent_cap": rng.random() < 0.35,
        "tail_light": rng.random() < 0.4,
    }


def species_traits(rng, genus, rank):
    """One species: its genus's traits with its own head markings, wing bars and width of the pattern."""
    return genus | {
        "count": genus["first"] + rank,
        "place": 0.14 * ((rank % 3) - 1) + rng.uniform(-0.04, 0.04),
        "width": rng.uniform(0.92, 1.08) * (1.0, 0.8, 1.22)[rank % 3],
        "hue": rng.uniform(-0.02, 0.02),
        "brow": genus["face"] % 2 == 0,
        "mask": genus["face"] == 1 or (genus["face"] == 2 and rank == 1),
        "cap": (genus["first"] + rank) % 3 == 0,
        "wing_bars": genus["wing_bars"] if rank != 1 else (genus["wing_bars"] + 1) % 3,
        "tail_light": genus["tail_light"] ^ (rng.random() < 0.15),
        "pattern_seed": int(rng.integers(2**31)),
        "bill_length": rng.uniform(0.93, 1.07),
    }


def box(traits):
    """The extent of the drawing in units: left, top, right, bottom."""
    tail = traits["tail"][1] + LENGTH
    steep = min(1.5, traits["posture"] * 1.2 + 0.25)
    cocked = traits["tail"][0] == "cocked"
    return (
        -0.42 - traits["head"] - traits["bill"][1],
        -0.46 - 0.25 * traits["posture"] - traits["neck"] - 0.5 * traits["head"] * traits["crest"],
        0.4 if cocked else 0.14 + tail * np.cos(min(steep, 1.0)) * 1.05,
        max(0.32 + traits["legs"], 0.06 + tail * np.sin(steep) * (not cocked)),
    )


class _Frame:
    """A turned coordinate frame: `forward` and `up` of every pixel, and back to the picture."""

    def __init__(self, centre, angle):
        self.centre = np.asarray(centre, dtype=float)
        self.forward = np.array([-np.cos(angle), -np.sin(angle)])
        self.up = np.array([np.sin(angle), -np.cos(angle)])

    def of(self, canvas):
        dx, dy = canvas.x - float(self.centre[0]), canvas.y - float(self.centre[1])
        (fx, fy), (ux, uy) = self.forward.tolist(), self.up.tolist()
        return dx * fx + dy * fy, dx * ux + dy * uy

    def out(self, points):
        points = np.asarray(points, dtype=float)
        return self.centre + points[..., :1] * self.forward + points[..., 1:] * self.up


def draw(traits, own, view, pixels_per_unit):
    """An RGBA picture of one bird, and where its feet are in it (pixels).

    `own` holds what is the animal's own (a generator), `view` what changes between pictures.
    """
    if own.random() < 0.35:  # females and young birds: duller, without the cap
        traits = traits | {"cap": False, "dull": 0.6}
    canvas = Canvas(box(traits), pixels_per_unit)
    depth = LENGTH * traits["plump"] * own.uniform(0.97, 1.03) * view.uniform(0.95, 1.08)
    body = _Frame((0.05, -0.04), traits["posture"] * view.uniform(0.75, 1.2))
    crown = body.out([LENGTH * 0.82, depth * 0.5]) + traits["neck"] * view.uniform(0.6, 1.2) * np.array([-0.45, -0.9])
    head = _Frame(crown + np.array([-0.02, -0.03]), view.uniform(-0.18, 0.22))
    hue = traits["hue"] + own.normal(0, 0.006)
    colours = [hsv(h + hue, s * traits.get("dull", 1.0), v * own.uniform(0.95, 1.05)) for h, s, v in traits["palette"]]
    feet = _legs(canvas, body, depth, traits)
    _tail(canvas, body, depth, traits, colours, view)
    distance, head_distance = _silhouette(canvas, body, head, depth, traits)
    inside = np.clip(0.5 - distance * canvas.scale, 0, 1)
    _bill(canvas, head, traits, view)
    _crest(canvas, head, traits, colours[0], view)
    _plumage(canvas, inside, body, head, depth, head_distance, traits, colours, own)
    _roundness(canvas, inside, distance, depth)
    _wing(canvas, body, depth, traits, colours, view)
    _eye(canvas, head, traits)
    return canvas.image(), (feet - canvas.origin) * canvas.scale


def _silhouette(canvas, body, head, depth, traits):
    """Signed distance to the outline (negative inside), and the distance from the head's centre in radii."""
    a, b = body.of(canvas)
    taper = 1 - 0.22 * np.clip(-a / LENGTH, 0, 1)  # slimmer towards the tail
    whole = (np.hypot(a / LENGTH, b / (depth * taper)) - 1) * depth * 0.9
    radius = traits["head"]
    h, u = head.of(canvas)
    from_head = np.hypot(h * 0.93, u)
    root = body.out([LENGTH * 0.45, depth * 0.1])
    line = (head.centre - root).astype(np.float32)
    root = root.astype(np.float32)
    along = np.clip(((canvas.x - root[0]) * line[0] + (canvas.y - root[1]) * line[1]) / (line @ line), 0, 1)
    neck = np.hypot(canvas.x - root[0] - along * line[0], canvas.y - root[1] - along * line[1])
    thick = mixed(depth * 0.75, radius * (0.85 if traits["neck"] < 0.1 else 0.62), along)
    joined = _union(_union(whole, neck - thick, 0.05), from_head - radius, 0.04)
    return joined, from_head / radius


def _union(first, second, softness):
    share = np.clip(0.5 + 0.5 * (second - first) / softness, 0, 1)
    return mixed(second, first, share) - softness * share * (1 - share)


def _roundness(canvas, inside, distance, depth):
    rise = np.clip(-distance / (depth * 0.9), 0, 1)
    height = np.sqrt(np.clip(1 - (1 - rise) ** 2, 0, 1)) * depth * 0.9 * canvas.scale
    slope_y, slope_x = np.gradient(height)
    light = (0.72 + 0.5 * slope_y - 0.12 * slope_x) / np.sqrt(1 + slope_x**2 + slope_y**2)
    canvas.shade(mixed(np.ones(canvas.shape, np.float32), np.clip(0.45 + 0.78 * light, 0.35, 1.2), inside))


def _plumage(canvas, inside, body, head, depth, head_distance, traits, colours, own):
    back, breast, belly, _ = colours
    a, b = body.of(canvas)
    fluff = noise(own, canvas.shape, 34) * 0.06 + noise(own, canvas.shape, 9) * 0.07
    along, across = a / LENGTH + fluff, b / depth + fluff
    chest = mixed(belly, breast, step(along, -0.05 + 0.3 * traits["place"], 0.25)[..., None])
    canvas.paint(inside, mixed(chest, back, step(across, 0.05 + 0.12 * along, 0.12)[..., None]))
    h, u = head.of(canvas)
    h, u = h / traits["head"] + fluff, u / traits["head"] + fluff
    on_head = inside * step(-head_distance, -1.12, 0.1)
    canvas.tint(on_head * step(u, -0.25, 0.1), back)
    _breast(canvas, inside * step(head_distance, 1.0, 0.08), along, across, traits, own)
    ink, light = traits["ink"], traits["light"]
    if traits["plumage"] == "bibbed":
        canvas.tint(on_head * step(-u, 0.15 + traits["place"], 0.08), ink)
        canvas.tint(inside * step(-np.hypot((along - 0.95) / 0.4, (across + 0.15) / 0.7), -traits["width"], 0.1), ink)
    else:
        canvas.tint(on_head * step(-u, 0.42, 0.1) * step(h, -0.7, 0.1), light)
    if traits["cap"]:
        cap = on_head * step(u - 0.12 * h, 0.4 + 0.3 * traits["place"], 0.06)
        canvas.tint(cap, traits["accent"] if traits["accent_cap"] else ink)
    if traits["brow"]:
        canvas.tint(on_head * band(u - 0.05 * h, 0.36, 0.09 * traits["width"], 0.04) * step(h, -0.95, 0.1), light)
    line = 0.2 if traits["mask"] else 0.07
    canvas.tint(on_head * band(u, 0.1, line, 0.05) * step(h, -0.8, 0.1) * 0.9, ink)
    barbs = noise(own, canvas.shape, 70)
    canvas.shade(1 + inside * 0.09 * barbs)


def _breast(canvas, area, along, across, traits, own):
    """The pattern of breast and belly, that species of one genus share in kind but not in measure."""
    kind, ink, width, place = traits["plumage"], traits["ink"], traits["width"], traits["place"]
    under = area * step(-across, 0.08 - 0.15 * along, 0.12)
    if kind in ("streaked", "spotted"):
        layout = np.random.default_rng(traits["pattern_seed"])
        rows, columns = (9 + 2 * traits["count"]), (7 + 2 * traits["count"])
        long = 2.6 if kind == "streaked" else 1.0
        p, q = along * columns / long, across * rows * 0.7
        q = q + 0.5 * (np.floor(p) % 2) + layout.uniform(0, 1)
        near = np.hypot((p % 1 - 0.5), (q % 1 - 0.5))
        canvas.tint(under * step(-near, -0.26 * width, 0.08) * step(along, -0.55 + place, 0.15) * 0.9, ink)
    elif kind == "collared":
        for number in range(1 + traits["count"] % 2):
            centre = 0.62 - 0.32 * number + 0.4 * place
            canvas.tint(area * band(along + 0.25 * across, centre, 0.08 * width, 0.03) * step(-across, -0.35, 0.1), ink)
    elif kind == "barred":
        n = 5.5 + 1.6 * traits["count"]
        wave = np.sin((along + 0.2 * across + own.normal(0, 0.01)) * n * np.pi)
        canvas.tint(under * step(wave, 0.55 - 0.4 * (width - 1), 0.25) * step(-along, -0.55 + place, 0.15) * 0.85, ink)
    elif kind == "girdled":
        canvas.tint(under * step(along, 0.1 + place, 0.04), traits["accent"])
        canvas.tint(area * band(along + 0.2 * across, 0.1 + place, 0.05 * width, 0.02) * step(-across, -0.2, 0.1), ink)


def _wing(canvas, body, depth, traits, colours, view):
    """The folded wing: coverts in scales, bars, flight feathers to the tip."""
    droop = view.uniform(-0.06, 0.06)
    edge = [
        (0.56, 0.28), (0.3, 0.62), (-0.25, 0.66), (-0.85, 0.36), (-1.34, 0.02 + droop), (-0.95, -0.12 + droop),
        (-0.35, -0.36), (0.2, -0.34), (0.52, -0.05),
    ]  # fmt: skip
    outline = body.out(spline([(x * LENGTH, y * depth) for x, y in edge]))
    mask = canvas.mask(outline)
    a, b = body.of(canvas)
    along, across = 0.5 - a / LENGTH, b / depth
    shadow = canvas.mask(outline + np.array([0.0, 0.016]))
    canvas.shade(1 - 0.35 * shadow * (1 - mask))
    wing, back = colours[3], colours[0]
    ground = mixed(back, wing, step(along, 0.45, 0.3)[..., None])
    canvas.paint(mask, ground)
    covert = (along * 9) % 1, (across * 6 + 0.5 * (np.floor(along * 9) % 2)) % 1
    scales = np.hypot(covert[0] - 0.1, covert[1] - 0.5)
    canvas.shade(1 - 0.35 * mask * step(scales, 0.55, 0.12) * step(-along, -0.75, 0.05))
    tip = np.array([-1.34, 0.02 + droop])
    roots = [np.array([0.02 - 0.09 * i, -0.33 + 0.1 * i]) for i in range(9)]
    ends = [tip + np.array([0.16 * (8 - i) * 0.55, -0.02 * (8 - i) + 0.015 * i]) for i in range(9)]
    quills = [
        body.out(spline([root * [LENGTH, depth], (root * 0.45 + end * 0.55 + [0, 0.06]) * [LENGTH, depth], end * [LENGTH, depth]], closed=False))
        for root, end in zip(roots, ends, strict=True)
    ]  # fmt: skip
    canvas.tint(canvas.lines(quills, 0.009) * mask * 0.75, shifted(wing, value=0.45))
    canvas.tint(canvas.lines([quill - [0, 0.009] for quill in quills], 0.006) * mask * 0.5, shifted(wing, saturation=0.7, value=1.9))
    for number in range(traits["wing_bars"]):
        centre = 0.62 + 0.24 * number + 0.12 * traits["place"]
        bar = band(along + 0.35 * across, centre, 0.045 * traits["width"], 0.02)
        canvas.tint(mask * bar * 0.92, traits["light"])
    canvas.shade(1 + mask * (0.16 * across + 0.02))


def _tail(canvas, body, depth, traits, colours, view):
    kind, length, width = traits["tail"]
    angle = {"cocked": 1.15}.get(kind, -0.12) + view.uniform(-0.15, 0.15)
    root = body.out([-LENGTH * 0.72, depth * 0.1])
    back = colours[3]
    n = 5
    for number in range(n):
        side = number / (n - 1) - 0.5
        long = length * {"notched": 0.86 + 0.32 * abs(side), "round": 1 - 0.5 * abs(side) ** 1.5,
                         "pointed": 1.05 - 1.1 * abs(side)}.get(kind, 0.97 + 0.04 * abs(side))  # fmt: skip
        long += LENGTH * 0.25
        spread = side * view.uniform(0.9, 1.3) * width * 2.2
        feather = spline([
            (0, -width * 0.25), (long * 0.6, -width * 0.42), (long * 0.97, -width * 0.3), (long, 0),
            (long * 0.96, width * 0.3), (long * 0.5, width * 0.42), (0, width * 0.25),
        ])  # fmt: skip
        axis = np.arctan2(-body.forward[1], -body.forward[0])
        feather = turned(feather, axis - angle + spread) + root
        mask = canvas.mask(feather)
        outer = number in (0, n - 1) and traits["tail_light"]
        canvas.paint(mask, traits["light"] if outer else shifted(back, value=0.8 + 0.12 * (number % 2)))
        shaft = turned(np.array([(0, 0), (long, 0)]), axis - angle + spread) + root
        canvas.tint(canvas.lines([shaft], 0.006) * mask * 0.6, shifted(back, value=0.4))


def _legs(canvas, body, depth, traits):
    """Both legs and gripping toes; returns the point between the feet."""
    hip = body.out([-LENGTH * 0.02, -depth * 0.78])
    ground = float(hip[1]) + traits["legs"] + 0.05
    colour = shifted(traits["bill_colour"], saturation=0.8, value=0.75)
    thick = 0.02 if traits["legs"] < 0.3 else 0.017
    for offset, value in ((0.075, 0.7), (0.0, 1.0)):
        top, foot = hip + [offset - 0.01, -0.05], np.array([hip[0] + offset - 0.015, ground])
        knee = mixed(top, foot, 0.5) + [0.035 + 0.06 * traits["legs"], 0]
        canvas.paint(canvas.lines([np.array([top, knee]), np.array([knee, foot])], thick), shifted(colour, value=value))
        toes = [spline([foot, foot + [dx * 0.6, -0.008], foot + [dx, 0.022]], closed=False) for dx in (-0.085, -0.055, 0.05)]
        canvas.paint(canvas.lines(toes, thick * 0.85), shifted(colour, value=value))
    return np.array([hip[0] + 0.02, ground])


def _bill(canvas, head, traits, view):
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
    low_tip = (reach - 0.06 * length - (0.5 * length if kind == "hook" else 0), drop * (0.55 if kind == "hook" else 0.95) - 0.025)
    lower = spline([(radius * 0.6, -half), (radius * 0.8 + 0.45 * length, -half * 0.72 + 0.3 * drop), low_tip], closed=False)
    canvas.paint(canvas.mask(head.out(np.concatenate([line, lower[::-1]]))), shifted(colour, value=0.72))
    mask = canvas.mask(head.out(np.concatenate([upper, line[::-1]])))
    canvas.paint(mask, colour)
    canvas.tint(canvas.lines([head.out(upper * [1, 0.7])], 0.014) * mask * 0.45, (1, 1, 1))
    canvas.tint(canvas.lines([head.out(line)], 0.008) * 0.8, shifted(colour, value=0.3))
    if kind == "great":
        h, _ = head.of(canvas)
        canvas.tint(mask * step(h, reach - 0.3 * length * traits["width"], 0.01), traits["ink"])


def _crest(canvas, head, traits, colour, view):
    size = traits["crest"] * traits["head"] * view.uniform(0.7, 1.2)
    if size == 0:
        return
    radius = traits["head"]
    for number in range(4):
        root = np.array([radius * (0.2 - 0.35 * number), radius * (0.85 - 0.12 * number)])
        tip = root + np.array([-size * (0.7 + 0.2 * number), size * (0.75 - 0.2 * number)])
        tuft = spline([root + [radius * 0.3, -0.05], mixed(root, tip, 0.5) + [0, 0.02], tip, mixed(root, tip, 0.4) - [0.02, 0.03], root - [radius * 0.2, 0.06]])
        canvas.paint(canvas.mask(head.out(tuft)), shifted(colour, value=0.75 + 0.08 * number))


def _eye(canvas, head, traits):
    radius = traits["head"]
    centre = head.out([radius * 0.3, radius * 0.14])
    size = radius * (0.2 if traits["bill"][0] != "great" else 0.17)
    canvas.tint(canvas.disc(centre, size * 1.28) * 0.6, traits["accent"] if traits["bill"][0] in ("great", "hook") else traits["light"])
    canvas.tint(canvas.disc(centre, size), (0.05, 0.04, 0.04))
    canvas.tint(canvas.disc(centre + np.array([-0.32, -0.36]) * size, size * 0.28), (1, 1, 1))
