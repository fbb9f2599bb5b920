"""One picture of one specimen: the animal in its habitat, as a camera sees it."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageFilter

from nearkin.synthetic import (
    backgrounds,
    bird_traits,
    birds,
    butterflies,
    butterfly_traits,
    fish,
    fish_traits,
    props,
)
from nearkin.synthetic.paint import Canvas, mix, noise
from nearkin.synthetic.taxonomy import CATEGORIES, Species

_SPRITE_SCALE = 1.15
"""Pixels of the animal's own drawing per pixel of the picture."""

GenusTraits = TypeVar("GenusTraits")
SpeciesTraits = TypeVar("SpeciesTraits")


def draw_picture(species: Species, specimen: int, view: int, *, seed: int, image_size: int) -> Image.Image:
    """An RGB picture of a specimen; `image_size` is the length of its longer side in pixels.

    The same arguments give the same pixels. All species of a genus share a build and a kind
    of pattern; views share the individual, its surroundings and its light, not its pose.
    """
    own = np.random.default_rng([seed, 3, species.number, specimen])
    setting = np.random.default_rng([seed, 4, species.number, specimen])
    shot = np.random.default_rng([seed, 5, species.number, specimen, view])
    draw = {"Fish": _draw_fish, "Bird": _draw_bird, "Butterfly": _draw_butterfly}[species.category]
    rgb = draw(species, seed, own, setting, shot, view, image_size)
    return _apply_camera(rgb, setting, shot)


def _draw_traits(
    species: Species,
    seed: int,
    genus_traits: Callable[[np.random.Generator, int], GenusTraits],
    species_traits: Callable[[np.random.Generator, GenusTraits, int], SpeciesTraits],
) -> SpeciesTraits:
    """The traits of a species, by the functions of its category."""
    category = CATEGORIES.index(species.category)
    genus = np.random.default_rng([seed, 1, category, species.genus_number])
    return species_traits(
        np.random.default_rng([seed, 2, species.number]),
        genus_traits(genus, species.genus_number),
        species.rank,
    )


def _make_canvas(rng: np.random.Generator, image_size: int, low: float, high: float) -> Canvas:
    """An empty canvas, one unit wide, with an aspect from `low` to `high` and `image_size` as longer side."""
    aspect = rng.uniform(low, high)
    width = image_size if aspect <= 1 else round(image_size / aspect)
    return Canvas((0, 0, 1, round(width * aspect) / width), width)


def _draw_fish(
    species: Species,
    seed: int,
    own: np.random.Generator,
    setting: np.random.Generator,
    shot: np.random.Generator,
    view: int,
    image_size: int,
) -> np.ndarray:
    """The RGB pixels of a fish in a reef, 0 to 1, (height, width, 3)."""
    traits = _draw_traits(species, seed, fish_traits.genus_traits, fish_traits.species_traits)
    canvas = _make_canvas(setting, image_size, 0.6, 0.85)
    is_flipped = setting.random() < 0.5
    water = backgrounds.reef(canvas, setting)
    sprite = fish.draw(traits, own, shot, image_size * _SPRITE_SCALE)
    span = setting.uniform(0.58, 0.76) * shot.uniform(0.88, 1.12) * (1.1 - 0.35 * traits["depth"])
    turn = setting.normal(0, 0.12) + shot.normal(0, 0.08)
    squash = shot.uniform(0.78, 1.0)
    _paste(
        canvas, sprite, image_size * _SPRITE_SCALE, anchor=(0.6 + 0.14, 0.66), at=_aim(canvas, shot),
        span=span, turn=turn, flip=is_flipped, squash=squash, haze=(water, setting.uniform(0.05, 0.42)),
    )  # fmt: skip
    if shot.random() < 0.35:
        _occlude(canvas, shot, (0.1, 0.45), water)
    return canvas.rgb


def _draw_bird(
    species: Species,
    seed: int,
    own: np.random.Generator,
    setting: np.random.Generator,
    shot: np.random.Generator,
    view: int,
    image_size: int,
) -> np.ndarray:
    """The RGB pixels of a bird on a branch or the ground, 0 to 1, (height, width, 3)."""
    traits = _draw_traits(species, seed, bird_traits.genus_traits, bird_traits.species_traits)
    canvas = _make_canvas(shot, image_size, 0.72, 1.15)
    is_standing = traits["legs"] > 0.3
    (backgrounds.shore if is_standing else backgrounds.foliage)(canvas, shot)
    sprite, feet = birds.draw(traits, own, shot, image_size * _SPRITE_SCALE)
    left, top, right, bottom = birds.box(traits)
    max_span = min(1 / (right - left), canvas.shape[0] / canvas.shape[1] / (bottom - top))
    span, flip = max_span * setting.uniform(0.78, 1.0) * shot.uniform(0.85, 1.1), shot.random() < 0.5
    at, turn = _aim(canvas, shot), shot.normal(0, 0.05)
    anchor = np.array([right - left, bottom - top]) / 2
    grip = _project(feet / (image_size * _SPRITE_SCALE), anchor, at, span, turn, flip, 1.0)
    if not is_standing:
        backgrounds.branch(canvas, shot, grip, shot.normal(0, 0.18))
    else:
        canvas.shade(
            1 - 0.35 * np.exp(-(((canvas.x - grip[0]) / 0.16) ** 2) - ((canvas.y - grip[1]) / 0.02) ** 2)
        )
    _paste(
        canvas,
        sprite,
        image_size * _SPRITE_SCALE,
        anchor=anchor,
        at=at,
        span=span,
        turn=turn,
        flip=flip,
        squash=shot.uniform(0.9, 1.0),
    )
    if shot.random() < 0.35:
        _occlude(canvas, shot, (0.12, 0.36))
    return canvas.rgb


def _draw_butterfly(
    species: Species,
    seed: int,
    own: np.random.Generator,
    setting: np.random.Generator,
    shot: np.random.Generator,
    view: int,
    image_size: int,
) -> np.ndarray:
    """The RGB pixels of a butterfly at rest, 0 to 1, (height, width, 3)."""
    traits = _draw_traits(species, seed, butterfly_traits.genus_traits, butterfly_traits.species_traits)
    canvas = _make_canvas(shot, image_size, 0.78, 1.15)
    support = setting.choice(["leaf", "flower", "drawer", "stones"], p=[0.34, 0.27, 0.24, 0.15])
    getattr(props, str(support))(canvas, shot)
    ventral = view % 2 == 1
    folded = ventral and support != "drawer"
    sprite = butterflies.draw(traits, own, shot, image_size * _SPRITE_SCALE, ventral=ventral, folded=folded)
    span = setting.uniform(0.5, 0.66) * shot.uniform(0.9, 1.12)
    turn, flip = shot.normal(0, 0.08 if support == "drawer" else 0.55), shot.random() < 0.5
    if folded:  # wings up, head left or right
        turn = (-np.pi / 2 + shot.normal(0, 0.3)) * (-1 if flip else 1)
        span *= 1.15
    anchor = (0.36, 0.72 - 0.02) if folded else (0.82, 0.72 - 0.02)
    _paste(
        canvas, sprite, image_size * _SPRITE_SCALE, anchor=anchor, at=_aim(canvas, shot), span=span,
        turn=turn, flip=flip, squash=1.0, shadow=shot.uniform(0.006, 0.03),
    )  # fmt: skip
    if support != "drawer" and shot.random() < 0.3:
        _occlude(canvas, shot, (0.16, 0.36))
    return canvas.rgb


def _aim(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """The point where the animal's centre is drawn: near the middle, seldom exactly there."""
    height = canvas.shape[0] / canvas.scale
    return np.array([0.5 + rng.normal(0, 0.05), height * (0.5 + rng.normal(0, 0.05))])


def _sprite_matrix(span: float, turn: float, flip: bool, squash: float) -> np.ndarray:
    """The (2, 2) matrix from the coordinates of a sprite to those of the picture."""
    cos, sin = np.cos(turn), np.sin(turn)
    mirror = np.diag([(-1.0 if flip else 1.0) * squash, 1.0])
    return span * np.array([[cos, -sin], [sin, cos]]) @ mirror


def _project(
    point: np.ndarray,
    anchor: np.ndarray,
    at: np.ndarray,
    span: float,
    turn: float,
    flip: bool,
    squash: float,
) -> np.ndarray:
    """Where in the picture a point of the sprite is drawn (both in units)."""
    return _sprite_matrix(span, turn, flip, squash) @ (np.asarray(point) - anchor) + at


def _paste(
    canvas: Canvas,
    sprite: Image.Image,
    sprite_scale: float,
    *,
    anchor: ArrayLike,
    at: np.ndarray,
    span: float,
    turn: float,
    flip: bool,
    squash: float,
    haze: tuple[np.ndarray, float] | None = None,
    shadow: float | None = None,
) -> None:
    """Paste a sprite into the picture: one of its units becomes `span` of the picture's width.

    `sprite_scale` is pixels per unit of the sprite, whose point `anchor` comes to `at`. `haze` is the
    colour of the water and its share, `shadow` the offset of a shadow in units.
    """
    height, width = canvas.shape
    inverse = np.linalg.inv(_sprite_matrix(span, turn, flip, squash)) * sprite_scale / (2 * canvas.scale)
    offset = np.asarray(anchor) * sprite_scale - inverse @ (np.asarray(at) * 2 * canvas.scale)
    affine = (*inverse[0], offset[0], *inverse[1], offset[1])
    large = sprite.transform(
        (2 * width, 2 * height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
    )
    rgba = np.asarray(large.reduce(2), dtype=np.float32) / 255
    alpha, rgb = rgba[..., 3], rgba[..., :3]
    if shadow is not None:
        cast = Image.fromarray((alpha * 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(shadow * canvas.scale * 0.6)
        )
        shift = max(1, round(shadow * canvas.scale))
        cast = np.roll(np.asarray(cast, dtype=np.float32) / 255, (shift, shift // 2), axis=(0, 1))
        canvas.shade(1 - 0.5 * cast)
    if haze is not None:
        rgb = mix(rgb, haze[0], haze[1])
    canvas.paint(alpha, rgb)


def _occlude(
    canvas: Canvas, rng: np.random.Generator, hues: tuple[float, float], veil: np.ndarray | None = None
) -> None:
    """Paint blurred stems in front of the animal; `veil` is the colour of the water before them."""
    cover, colour = backgrounds.foreground(canvas, rng, hues)
    radius = rng.uniform(0.004, 0.014) * canvas.scale
    soft = Image.fromarray((cover * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    canvas.paint(
        np.asarray(soft, dtype=np.float32) / 255 * 0.92, colour if veil is None else mix(colour, veil, 0.4)
    )


def _apply_camera(rgb: np.ndarray, setting: np.random.Generator, shot: np.random.Generator) -> Image.Image:
    """The picture with light, white balance, exposure, focus and grain; no two pictures agree in colour."""
    height, width = rgb.shape[:2]
    angle, strength = setting.uniform(0, 6.3), setting.uniform(0, 0.45)
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    light = 1 + strength * (x * np.cos(angle) + y * np.sin(angle)) - shot.uniform(0, 0.7) * (x**2 + y**2)
    dapple = 1 + shot.uniform(0, 0.25) * noise(shot, (height, width), 5)
    grey = rgb.mean(axis=2, keepdims=True)
    rgb = grey + (rgb - grey) * setting.uniform(0.35, 1.15)
    balance = np.exp(setting.normal(0, 0.115, 3) + shot.normal(0, 0.04, 3)).astype(np.float32)
    rgb = rgb * (light * dapple)[..., None] * balance * np.exp(setting.normal(0, 0.16) + shot.normal(0, 0.08))
    rgb = np.clip(rgb, 0, 1) ** np.exp(shot.normal(0, 0.14))
    image = Image.fromarray((np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(max(0.0, shot.normal(0.0015, 0.0018)) * max(height, width)))
    grain = shot.normal(0, shot.uniform(0.003, 0.024), (height, width, 1)) + shot.normal(
        0, 0.006, (height, width, 3)
    )
    rgb = np.asarray(image, dtype=np.float32) / 255 + grain
    return Image.fromarray((np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8))
