"""Image files of noise and their inspection, for tests of photos and pixel stores."""

import hashlib

import numpy as np
import polars as pl
from PIL import Image

from nearkin.sources.image_ids import image_uuid
from nearkin.tables.images import Inspection

GEOMETRY = {"size": 16, "crop_pct": 0.875, "interpolation": "bicubic"}


def noise(width, height, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def pictures(folder, n=5):
    """`n` files 0.png, 1.png, ... in a new folder; returns their names."""
    folder.mkdir()
    for i in range(n):
        noise(20 + i % 5, 24, seed=i).save(folder / f"{i}.png")
    return [f"{i}.png" for i in range(n)]


def inspected(folder, names, problems=None):
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


def preprocessing(folder, **changes):
    """How the files of `folder` are seen: by GEOMETRY, exactly, up to a megapixel."""
    return {"folder": folder, "geometry": GEOMETRY, "decode": "exact", "max_megapixels": 1} | changes


def counted(monkeypatch, module, name):
    """Counts the calls of a function of `module`: returns the list that grows by one at each."""
    function, calls = getattr(module, name), []

    def counting(*arguments, **named):
        calls.append(name)
        return function(*arguments, **named)

    monkeypatch.setattr(module, name, counting)
    return calls
