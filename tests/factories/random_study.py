"""Small random studies for tests: labels, groups, splits and vectors with ties, singletons and copies."""

import numpy as np
import polars as pl

from nearkin.sources.image_ids import image_uuid

OTHER = ["kingdom", "phylum", "class", "order", "family", "infraspecies", "common_name", "raw_name"]


def labels_of(species, categories=None):
    """A `Labels` table of images named 0, 1, ... with the given species."""
    n = len(species)
    frame = pl.DataFrame(
        {
            "uuid": [image_uuid("drawn", str(i)) for i in range(n)],
            "path": [f"{i}.jpg" for i in range(n)],
            "category": categories or ["Fish"] * n,
            "genus": [name.split(" ")[0] for name in species],
            "species": species,
        }
    )
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in OTHER)


def study(seed, n=120, n_species=14):
    """Labels, groups and a simple random split; a third of the groups has two images."""
    rng = np.random.default_rng(seed)
    kinds = np.minimum(rng.geometric(0.15, n) - 1, n_species - 1)  # long tail with singletons
    species = [f"Genus{'abcd'[kind % 4]} epithet{chr(97 + kind)}" for kind in kinds]
    categories = [["Fish", "Bird"][kind % 2] for kind in kinds]
    labels = labels_of(species, categories)
    uuids = labels["uuid"].to_list()
    group, split = (
        list(uuids),
        [str(name) for name in rng.choice(["train", "val", "test", "unseen_species"], n)],
    )
    for i in range(1, n):
        if i % 3 == 0:
            group[i], split[i] = group[i - 1], split[i - 1]
    splits = pl.DataFrame({"uuid": uuids, "split": split, "group_id": group, "reason": [None] * n})
    return labels, splits.with_columns(pl.col("reason").cast(pl.String))


def vectors_of(uuids, rows):
    """A function from a series of uuids to their vectors; `rows` are those of the sorted `uuids`."""
    return lambda wanted: rows[pl.Series(sorted(uuids)).search_sorted(wanted)]


def embedded(uuids, rows):
    """A table of embeddings as the workflow writes it."""
    emb = pl.Series(rows, dtype=pl.Array(pl.Float32, rows.shape[1]))
    return pl.DataFrame({"uuid": uuids, "sha256": ["0"] * len(uuids), "emb": emb})


def vectors(seed, n, width=8, n_copies=20, levels=None):
    """Float32 unit vectors; some are exact copies of others, and coarse `levels` make ties."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, width))
    if levels:
        values = np.round(values * levels) / levels + 1e-3
    values[rng.integers(0, n, n_copies)] = values[rng.integers(0, n, n_copies)]
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
