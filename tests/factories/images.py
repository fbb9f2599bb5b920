"""Noise images and their inspection, for tests of image readers and pixel caches."""

import hashlib

import numpy as np
import polars as pl
from PIL import Image

from nearkin.sources.image_ids import image_uuid
from nearkin.tables.images import Inspection

GEOMETRY = {"size": 16, "crop_pct": 0.875, "interpolation": "bicubic"}


def make_noise(width, height, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def write_images(folder, n=5):
    """Write `n` files 0.png, 1.png, ... into a new folder; returns their names."""
    folder.mkdir()
    for i in range(n):
        make_noise(20 + i % 5, 24, seed=i).save(folder / f"{i}.png")
    return [f"{i}.png" for i in range(n)]


def inspect_files(folder, names, problems=None):
    """An `Inspection` table of the files `names` in `folder`."""
    rows = []
    for name in names:
        data = (folder / name).read_bytes()
        rows.append(
            {
                "uuid": image_uuid("drawn", name),
                "path": name,
                "error": (problems or {}).get(name),
                "n_bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        )
    schema = {name: column.dtype for name, column in Inspection.columns().items()}
    return pl.DataFrame(rows, schema=schema).sort("uuid")


def make_preprocessing(folder, **changes):
    """Preprocessing of the files in `folder`: GEOMETRY, exact decoding, up to one megapixel."""
    return {"folder": folder, "geometry": GEOMETRY, "decode": "exact", "max_megapixels": 1} | changes


def count_calls(monkeypatch, module, name):
    """Replace a function of `module` by one that counts its calls; returns a list with one entry per call."""
    function, calls = getattr(module, name), []

    def count_call(*arguments, **keywords):
        calls.append(name)
        return function(*arguments, **keywords)

    monkeypatch.setattr(module, name, count_call)
    return calls
