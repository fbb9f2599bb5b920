"""A synthetic dataset to train on: the pixels that an encoder gets, species and splits."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import polars as pl

from nearkin.images.pixel_cache import PixelCache, write_cache
from nearkin.splits import predefined, split
from nearkin.synthetic import scene
from nearkin.synthetic.encode import encode
from nearkin.synthetic.records import clean_entries
from nearkin.synthetic.taxonomy import draw_taxonomy

SEED, LARGEST_SPECIES, IMAGE_PIXELS = 1, 40, 256
N_SPECIES = {"training": 96, "quick_training": 24}
"""Number of species, by the name of the dataset's folder."""
GEOMETRY = {"size": 224, "crop_pct": 0.875, "interpolation": "bicubic"}
SPLIT_SETTINGS = {
    "train": 0.3,
    "val": 0.2,
    "test": 0.5,
    "held_out_species": 0.0,
    "held_out_stratify": "category",
}
SPLIT_SETTINGS |= {"seed": SEED, "folds": None, "fold": 1, "min_test_groups": 2}


class TrainingDataset(NamedTuple):
    """The inputs of a training."""

    pixels: PixelCache
    species: pl.DataFrame  # uuid, label
    splits: pl.DataFrame


def load_dataset(folder, n_threads):
    """The dataset in `folder`, which is generated if it is missing."""
    entries = clean_entries(draw_taxonomy(SEED, N_SPECIES[folder.name], LARGEST_SPECIES), SEED)
    labels = pl.DataFrame(
        {
            "uuid": [f"{number:06d}" for number in range(len(entries))],
            "category": [entry.category for entry in entries],
            "genus": [entry.species.genus for entry in entries],
            "species": [entry.species.name for entry in entries],
            "group_id": [f"{entry.species.name} {entry.specimen}" for entry in entries],
        }
    )
    cache_path = folder / "pixels.arrow"
    if not cache_path.exists():
        _write_pixels(entries, labels["uuid"], cache_path, n_threads)
    splits = split.split_images(labels, labels, predefined.combine_predefined([]), **SPLIT_SETTINGS)
    return TrainingDataset(PixelCache(cache_path), labels.select("uuid", label="species"), splits)


def _write_pixels(entries, uuids, cache_path, n_threads):
    folder = cache_path.parent / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    with ProcessPoolExecutor(n_threads) as pool:
        for uuid, data in zip(uuids, pool.map(_draw_photo, entries), strict=True):
            (folder / uuid).write_bytes(data)
            rows.append((uuid, uuid, None, len(data), hashlib.sha256(data).hexdigest()))
    fields = {"uuid": pl.String, "path": pl.String, "error": pl.String, "n_bytes": pl.Int64}
    inspection = pl.DataFrame(rows, schema=fields | {"sha256": pl.String}, orient="row")
    preprocessing = {"folder": folder, "geometry": GEOMETRY, "decode": "exact", "max_megapixels": 100}
    write_cache(
        inspection, cache_path, earlier_path=cache_path, preprocessing=preprocessing, n_threads=n_threads
    )


def _draw_photo(entry):
    picture = scene.draw_picture(
        entry.species, entry.specimen, entry.view, seed=SEED, image_size=IMAGE_PIXELS
    )
    return encode(picture, entry.path)[0]
