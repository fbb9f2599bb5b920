"""A synthetic dataset to train on: its pixels, as an encoder sees them, its species and its splits."""

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

SEED, LARGEST, SIDE = 1, 40, 256
N_SPECIES = {"museum": 96, "quick_museum": 24}
"""By the name of the folder that a museum is drawn into."""
GEOMETRY = {"size": 224, "crop_pct": 0.875, "interpolation": "bicubic"}
DEALING = {"train": 0.3, "val": 0.2, "test": 0.5, "held_out_species": 0.0, "held_out_stratify": "category"}
DEALING |= {"seed": SEED, "folds": None, "fold": 1, "min_test_groups": 2}


class Museum(NamedTuple):
    """What a training needs of it."""

    pixels: PixelCache
    species: pl.DataFrame  # uuid, label
    splits: pl.DataFrame


def museum(folder, n_threads):
    """The museum in `folder`, drawn unless it is there."""
    entries = clean_entries(draw_taxonomy(SEED, N_SPECIES[folder.name], LARGEST), SEED)
    labels = pl.DataFrame(
        {
            "uuid": [f"{number:06d}" for number in range(len(entries))],
            "category": [one.category for one in entries],
            "genus": [one.species.genus for one in entries],
            "species": [one.species.name for one in entries],
            "group_id": [f"{one.species.name} {one.specimen}" for one in entries],
        }
    )
    store = folder / "pixels.arrow"
    if not store.exists():
        _draw(entries, labels["uuid"], store, n_threads)
    dealt = split.split_images(labels, labels, predefined.combine_predefined([]), **DEALING)
    return Museum(PixelCache(store), labels.select("uuid", label="species"), dealt)


def _draw(entries, uuids, store, n_threads):
    folder = store.parent / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    with ProcessPoolExecutor(n_threads) as pool:
        for uuid, data in zip(uuids, pool.map(_photo, entries), strict=True):
            (folder / uuid).write_bytes(data)
            rows.append((uuid, uuid, None, len(data), hashlib.sha256(data).hexdigest()))
    fields = {"uuid": pl.String, "path": pl.String, "error": pl.String, "n_bytes": pl.Int64}
    inspection = pl.DataFrame(rows, schema=fields | {"sha256": pl.String}, orient="row")
    preprocessing = {"folder": folder, "geometry": GEOMETRY, "decode": "exact", "max_megapixels": 100}
    write_cache(inspection, store, earlier_path=store, preprocessing=preprocessing, n_threads=n_threads)


def _photo(entry):
    picture = scene.draw_picture(entry.species, entry.specimen, entry.view, seed=SEED, image_size=SIDE)
    return encode(picture, entry.path)[0]
