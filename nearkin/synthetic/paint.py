"""Curves, masks, textures and a canvas, shared by the drawings of animals and scenes."""

import colorsys
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFilter

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in units."""
Hsv = tuple[float, float, float]
"""Hue (turns), saturation and value, each 0 to 1."""


def spline(points: ArrayLike, closed: bool = True, steps: int = 8) -> np.ndarray:
    """Points of a smooth (Catmull-Rom) curve through `points`, an (n, 2) array.

    >>> spline([(0, 0), (1, 0), (2, 0)], closed=False, steps=2)[:, 0].tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    p = np.asarray(points, dtype=float)
    if closed:
        p = np.concatenate([p[-1:], p, p[:2]])
    else:
        p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    a, b, c, d = (part[:, None, :] for part in (p[:-3], p[1:-2], p[2:-1], p[3:]))
    t = (np.arange(steps) / steps)[None, :, None]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    curve = curve.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, p[-2:-1]])


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: int, octaves: int = 1) -> np.ndarray:
    """A smooth random field of the given shape, about -1 to 1; `cells` bumps along its longer side."""
    height, width = shape
    field = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        n = cells * 2**octave
        rows, columns = (max(2, round(n * length / max(shape)) + 1) for length in (height, width))
        grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
        large = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        field += np.asarray(large) * 0.5**octave
    return field


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """An RGB colour, 0 to 1, from a hue (turns, wraps), a saturation and a value (both clipped)."""
    rgb = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return np.array(rgb, dtype=np.float32)


def shift_colour(
    colour: np.ndarray, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0
) -> np.ndarray:
    """A colour turned in hue and scaled in saturation and value."""
    h, s, v = colorsys.rgb_to_hsv(*(float(c) for c in colour))
    return hsv(h + hue, s * saturation, v * value)


def mix(first: np.ndarray | float, second: np.ndarray | float, share: np.ndarray | float) -> np.ndarray:
    """`first` with a share of `second`, for colours and arrays; one of the three must be an array."""
    return cast(np.ndarray, first + (second - first) * share)


def step(values: np.ndarray, edge: np.ndarray | float, softness: float) -> np.ndarray:
    """0 below `edge`, 1 above it, smooth over +-`softness`."""
    return np.clip((values - edge) / (2 * softness) + 0.5, 0, 1)


def band(
    values: np.ndarray, centre: np.ndarray | float, half_width: np.ndarray | float, softness: float
) -> np.ndarray:
    """1 within `half_width` of `centre`, 0 outside, with soft edges."""
    return np.clip((half_width - np.abs(values - centre)) / (2 * softness) + 0.5, 0, 1)


def rotate(points: ArrayLike, angle: float, about: ArrayLike = (0.0, 0.0)) -> np.ndarray:
    """Points turned by `angle` (radians, clockwise on the screen) about a point."""
    about = np.asarray(about, dtype=float)
    cos, sin = np.cos(angle), np.sin(angle)
    return (np.asarray(points, dtype=float) - about) @ np.array([[cos, sin], [-sin, cos]]) + about


class Canvas:
    """A picture under construction: colour and cover over a box of unit coordinates, y downwards.

    `x` and `y` hold the coordinates of its pixels, (1, width) and (height, 1).
    """

    def __init__(self, box: Box, pixels_per_unit: float) -> None:
        left, top, right, bottom = box
        self.scale, self.origin = float(pixels_per_unit), np.array([left, top], dtype=float)
        width = max(2, round((right - left) * self.scale))
        height = max(2, round((bottom - top) * self.scale))
        self.shape = (height, width)
        self.x = (left + (np.arange(width, dtype=np.float32) + 0.5) / self.scale)[None, :]
        self.y = (top + (np.arange(height, dtype=np.float32) + 0.5) / self.scale)[:, None]
        self.rgb = np.zeros((height, width, 3), dtype=np.float32)  # premultiplied
        self.cover = np.zeros((height, width), dtype=np.float32)

    def _render(
        self, points: ArrayLike, draw: Callable[[ImageDraw.ImageDraw, np.ndarray], None]
    ) -> np.ndarray:
        """What `draw(pen, origin)` draws near `points`, at twice the size and reduced to 0..1."""
        points = (np.asarray(points, dtype=float).reshape(-1, 2) - self.origin) * self.scale
        height, width = self.shape
        left, top = np.clip(np.floor(points.min(axis=0)).astype(int) - 8, 0, [width, height])
        right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int) + 8, 0, [width, height])
        result = np.zeros(self.shape, dtype=np.float32)
        if right > left and bottom > top:
            image = Image.new("L", (2 * int(right - left), 2 * int(bottom - top)))
            draw(ImageDraw.Draw(image), np.array([left, top]) / self.scale + self.origin)
            result[top:bottom, left:right] = np.asarray(image.reduce(2), dtype=np.float32) / 255
        return result

    def _to_pixels(self, points: ArrayLike, origin: np.ndarray) -> list[tuple[float, ...]]:
        points = (np.asarray(points, dtype=float) - origin) * (2 * self.scale)
        return [tuple(point) for point in points]

    def mask(self, polygon: ArrayLike) -> np.ndarray:
        """How far each pixel is inside a polygon, 0 to 1, (height, width)."""
        return self._render(
            polygon, lambda pen, origin: pen.polygon(self._to_pixels(polygon, origin), fill=255)
        )

    def lines(self, lines: Sequence[ArrayLike], width: float) -> np.ndarray:
        """How far each pixel is on any of several lines of one width (units), 0 to 1."""
        pixels = max(1, round(width * 2 * self.scale))

        def draw_all(pen: ImageDraw.ImageDraw, origin: np.ndarray) -> None:
            for line in lines:
                pen.line(self._to_pixels(line, origin), fill=255, width=pixels, joint="curve")

        points = np.concatenate([np.asarray(line, dtype=float) for line in lines])
        outline = np.concatenate([points - width, points + width])
        return self._render(outline, draw_all) * min(1.0, width * 2 * self.scale)

    def disc(
        self, centre: np.ndarray | tuple[float, float], radius: float, squash: float = 1.0
    ) -> np.ndarray:
        """How far each pixel is inside a disc (or an upright ellipse), 0 to 1."""
        result = np.zeros(self.shape, dtype=np.float32)
        reach = np.array([radius, radius * squash]) + 1 / self.scale
        low = np.floor((np.asarray(centre) - reach - self.origin) * self.scale).astype(int)
        high = np.ceil((np.asarray(centre) + reach - self.origin) * self.scale).astype(int)
        (left, top), (right, bottom) = np.clip(low, 0, None), np.clip(high, 0, None)
        x, y = self.x[:, left:right] - centre[0], self.y[top:bottom] - centre[1]
        result[top:bottom, left:right] = np.clip((radius - np.hypot(x, y / squash)) * self.scale + 0.5, 0, 1)
        return result

    def paint(self, alpha: ArrayLike, colour: ArrayLike) -> None:
        """Cover the picture with a colour, or an array of colours; `alpha` is the opacity, 0 to 1."""
        box, alpha, colour = _crop_to_alpha(alpha, colour)
        self.rgb[box] += (colour - self.rgb[box]) * alpha[..., None]
        self.cover[box] += (1 - self.cover[box]) * alpha

    def tint(self, alpha: ArrayLike, colour: ArrayLike) -> None:
        """Colour what has been painted without covering more: for patterns."""
        box, alpha, colour = _crop_to_alpha(alpha, colour)
        self.rgb[box] += (colour * self.cover[box][..., None] - self.rgb[box]) * alpha[..., None]

    def shade(self, factor: ArrayLike) -> None:
        """Darken (below 1) or brighten (above 1) what has been painted."""
        self.rgb *= np.asarray(factor, np.float32)[..., None]

    def soften(self, radius: float) -> None:
        """Blur the picture, which must be full, by a radius in units: the background is out of focus."""
        picture = Image.fromarray((np.clip(self.rgb, 0, 1) * 255 + 0.5).astype(np.uint8))
        soft = picture.filter(ImageFilter.GaussianBlur(radius * self.scale))
        self.rgb = np.asarray(soft, dtype=np.float32) / 255

    def image(self) -> Image.Image:
        """The picture as RGBA."""
        rgb = self.rgb / np.maximum(self.cover, 1e-4)[..., None]
        rgba = np.concatenate([rgb, self.cover[..., None]], axis=2)
        return Image.fromarray((np.clip(rgba, 0, 1) * 255 + 0.5).astype(np.uint8), "RGBA")


class Frame:
    """A turned coordinate frame: how far forward and up each pixel is, and back to the picture."""

    def __init__(self, centre: ArrayLike, angle: float) -> None:
        self.centre = np.asarray(centre, dtype=float)
        self.forward = np.array([-np.cos(angle), -np.sin(angle)])
        self.up = np.array([np.sin(angle), -np.cos(angle)])

    def locate_pixels(self, canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
        """How far forward and how far up each pixel is, in units."""
        dx, dy = canvas.x - float(self.centre[0]), canvas.y - float(self.centre[1])
        (fx, fy), (ux, uy) = self.forward.tolist(), self.up.tolist()
        return dx * fx + dy * fy, dx * ux + dy * uy

    def to_canvas(self, points: ArrayLike) -> np.ndarray:
        """Points given as (forward, up) in the coordinates of the picture."""
        points = np.asarray(points, dtype=float)
        return self.centre + points[..., :1] * self.forward + points[..., 1:] * self.up


def _crop_to_alpha(alpha: ArrayLike, colour: ArrayLike) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
    """The box where `alpha` is not 0, and both arguments in it."""
    alpha, colour = np.asarray(alpha, dtype=np.float32), np.asarray(colour, dtype=np.float32)
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not rows.size:
        box = (slice(0, 0), slice(0, 0))
    else:
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return box, alpha[box], colour[box] if colour.ndim > 1 else colour
