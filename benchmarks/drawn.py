"""Photos to embed: JPEGs of a synthetic dataset as small as a web page's, and as large as a camera's."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from nearkin.synthetic import scene
from nearkin.synthetic.encode import encode
from nearkin.synthetic.records import clean_entries
from nearkin.synthetic.taxonomy import draw_taxonomy

SEED, N_SPECIES, LARGEST = 1, 300, 40
SMALL, LARGE = 256, (4000, 3000)
GRAIN = 6  # levels of noise, so that a large JPEG has as many bytes as a camera's
N_DRAWN = 128
"""Pictures that are drawn; further ones are copies, since decoding them takes as long."""


def small(folder, n):
    """The paths of `n` JPEGs of 256 pixels in `folder`, drawn unless they are there."""
    entries = [
        one
        for one in clean_entries(draw_taxonomy(SEED, N_SPECIES, LARGEST), SEED)
        if one.path.endswith(".jpg")
    ]
    return _written(folder, n, lambda number: _picture(entries[number]))


def large(folder, n, originals):
    """The same of 12 megapixels, made of some small ones."""
    return _written(folder, n, lambda number: _enlarged(originals[number]))


def _written(folder, n, make):
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.jpg" for number in range(n)]
    for number, path in enumerate(paths):
        if path.exists():
            continue
        if number >= N_DRAWN:
            os.link(paths[number % N_DRAWN], path)
        else:
            part = path.with_suffix(".part")
            part.write_bytes(make(number))
            part.rename(path)
    return paths


def _picture(entry):
    picture = scene.draw_picture(entry.species, entry.specimen, entry.view, seed=SEED, image_size=SMALL)
    return encode(picture, entry.path)[0]


def _enlarged(path):
    with Image.open(path) as image:
        wanted = LARGE if image.width >= image.height else LARGE[::-1]
        values = np.asarray(image.resize(wanted, Image.Resampling.BICUBIC), dtype=np.float32)
    grain = np.random.default_rng(SEED).normal(0, GRAIN, values.shape[:2]).astype(np.float32)
    grainy = Image.fromarray(np.clip(values + grain[:, :, None], 0, 255).astype(np.uint8))
    return encode(grainy, Path(path).name)[0]
