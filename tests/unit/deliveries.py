"""Tiny deliveries for tests: files, metadata tables and captions, with the faults that a test names."""

import csv
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from nearkin.tables.images import Images, Inspection


def picture(path, seed, size=(48, 40)):
    """A random picture with large shapes; the same seed gives the same bytes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def table(path, header, rows):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def vlm4bio(folder, named, captions=(), category="Fish"):
    """A delivery of files with names: pairs of a file name and a scientific name, one picture per file."""
    for seed, file in enumerate(dict.fromkeys(file for file, _ in named)):
        picture(Path(folder, "datasets", category, "chunk_0", file), seed)
    header = ["fileNameAsDelivered", "scientificName"]
    table(Path(folder, "datasets", category, "metadata", "metadata.csv"), header, named)
    header = ["category", "image_name", "scientific_name", "caption", "image_path", "has_metadata"]
    table(Path(folder, "vlm4bio_captions.csv"), header, captions)
    return folder


def images_of(rows):
    """An Images table from dicts; what they leave out is filled in."""
    defaults = dict.fromkeys(Images.column_names()) | {"row": 0, "match": "exact", "category": "Fish"}
    full = []
    for number, row in enumerate(rows):
        path = row.get("path", f"{number}.jpg")
        full.append(defaults | {"uuid": f"u{path or row['listed']}", "path": path, "listed": path} | row)
    return pl.DataFrame(full, schema={name: column.dtype for name, column in Images.columns().items()})


def inspection_of(images, of_path=None):
    """An Inspection table of images that can all be read, each with its own bytes.

    `of_path` replaces columns by path, say `{"0.jpg": {"sha256": "same"}}`.
    """
    defaults = dict.fromkeys(Inspection.column_names()) | {"n_bytes": 1, "format": "PNG", "mode": "RGB"}
    defaults |= {"width": 9, "height": 9}
    files = images.filter(pl.col("path").is_not_null(), pl.col("match") != "outside")
    rows = []
    for uuid, path in files.select("uuid", "path").unique(maintain_order=True).iter_rows():
        digits = f"{hash_of(path):064x}"
        hashes = {"coarse_hash": digits[:16], "fine_hash": digits, "colours": (digits * 2)[:96]}
        rows.append(
            defaults | {"uuid": uuid, "path": path, "sha256": path} | hashes | (of_path or {}).get(path, {})
        )
    return pl.DataFrame(rows, schema={name: column.dtype for name, column in Inspection.columns().items()})


def hash_of(text):
    """A number of 256 bits that depends on the text alone."""
    return int.from_bytes(np.random.default_rng(list(text.encode())).bytes(32), "big")
