"""Photos to embed: JPEGs of a synthetic dataset, small as on web pages or large as from a camera."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from nearkin.synthetic import scene
from nearkin.synthetic.encode import encode
from nearkin.synthetic.records import clean_entries
from nearkin.synthetic.taxonomy import draw_taxonomy

SEED, N_SPECIES, LARGEST_SPECIES = 1, 300, 40
SMALL_PIXELS, LARGE_PIXELS = 256, (4000, 3000)
NOISE_LEVELS = 6  # so that a large JPEG has as many bytes as a camera's
N_DISTINCT = 128
"""Distinct images; further ones are copies, since decoding a copy takes as long."""


def write_small(folder, n):
    """The paths of `n` JPEGs of 256 pixels in `folder`, which are drawn if they are missing."""
    entries = [
        entry
        for entry in clean_entries(draw_taxonomy(SEED, N_SPECIES, LARGEST_SPECIES), SEED)
        if entry.path.endswith(".jpg")
    ]
    return _write_images(folder, n, lambda number: _draw_picture(entries[number]))


def write_large(folder, n, originals):
    """The same with 12 megapixels, enlarged from small ones."""
    return _write_images(folder, n, lambda number: _enlarge(originals[number]))


def _write_images(folder, n, make):
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.jpg" for number in range(n)]
    for number, path in enumerate(paths):
        if path.exists():
            continue
        if number >= N_DISTINCT:
            os.link(paths[number % N_DISTINCT], path)
        else:
            part = path.with_suffix(".part")
            part.write_bytes(make(number))
            part.rename(path)
    return paths


def _draw_picture(entry):
    picture = scene.draw_picture(
        entry.species, entry.specimen, entry.view, seed=SEED, image_size=SMALL_PIXELS
    )
    return encode(picture, entry.path)[0]


def _enlarge(path):
    with Image.open(path) as image:
        size = LARGE_PIXELS if image.width >= image.height else LARGE_PIXELS[::-1]
        values = np.asarray(image.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    noise = np.random.default_rng(SEED).normal(0, NOISE_LEVELS, values.shape[:2]).astype(np.float32)
    noisy = Image.fromarray(np.clip(values + noise[:, :, None], 0, 255).astype(np.uint8))
    return encode(noisy, Path(path).name)[0]
