"""Tiny deliveries for tests: files, metadata tables and captions, with the faults that a test sets."""

import csv
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from nearkin.driver.config import resolve_config
from nearkin.images.inspect import add_hashes
from nearkin.tables.images import Images, Inspection
from tests.factories.schema import SCHEMA


def defaults():
    """The config's defaults for a dataset."""
    models = {"histogram": {"library": "histogram", "preprocess": "small"}}
    config = {"datasets": {"d": {}}, "models": models, "preprocessing": {"small": {"size": 8, "crop_pct": 1}}}
    return resolve_config(config, SCHEMA)["datasets"]["d"]


def picture(path, seed, size=(48, 40)):
    """Write a random image with large shapes; the same seed gives the same bytes."""
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


def write_vlm4bio(folder, names_by_file, captions=(), category="Fish"):
    """Write a delivery with one image per file; `names_by_file` are pairs of file and scientific name."""
    for seed, file in enumerate(dict.fromkeys(file for file, _ in names_by_file)):
        picture(Path(folder, "datasets", category, "chunk_0", file), seed)
    header = ["fileNameAsDelivered", "scientificName"]
    table(Path(folder, "datasets", category, "metadata", "metadata.csv"), header, names_by_file)
    header = ["category", "image_name", "scientific_name", "caption", "image_path", "has_metadata"]
    table(Path(folder, "vlm4bio_captions.csv"), header, captions)
    return folder


def images_of(rows):
    """An Images table from dicts; missing values get defaults."""
    defaults = dict.fromkeys(Images.column_names()) | {
        "row_index": 0,
        "match_kind": "exact",
        "category": "Fish",
    }
    complete_rows = []
    for number, row in enumerate(rows):
        path = row.get("path", f"{number}.jpg")
        complete_rows.append(
            defaults | {"uuid": f"u{path or row['listed_name']}", "path": path, "listed_name": path} | row
        )
    return pl.DataFrame(
        complete_rows, schema={name: column.dtype for name, column in Images.columns().items()}
    )


def inspection_of(images, of_path=None):
    """An Inspection table of readable images, each with different bytes.

    `of_path` replaces columns by path, for example `{"0.jpg": {"sha256": "same"}}`.
    """
    defaults = dict.fromkeys(Inspection.column_names()) | {"n_bytes": 1, "format": "PNG", "mode": "RGB"}
    defaults |= {"width": 9, "height": 9}
    files = images.filter(pl.col("path").is_not_null(), pl.col("match_kind") != "outside_folder")
    rows = []
    for uuid, path in files.select("uuid", "path").unique(maintain_order=True).iter_rows():
        row = {"uuid": uuid, "path": path, "sha256": path, "thumbnail": thumbnail_of(path)}
        rows.append(defaults | row | (of_path or {}).get(path, {}))
    schema = {name: column.dtype for name, column in Inspection.columns().items()}
    return add_hashes(pl.DataFrame(rows, schema=schema))


def thumbnail_of(text):
    """A thumbnail of 4 x 4 patches that depends only on the text."""
    patches = np.random.default_rng(list(text.encode())).integers(0, 256, (4, 4), dtype=np.uint8)
    return np.kron(patches, np.ones((8, 8), dtype=np.uint8)).tobytes()


def drawing(seed, side=160):
    """A grey image of a few soft shapes; the same seed gives the same pixels."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
