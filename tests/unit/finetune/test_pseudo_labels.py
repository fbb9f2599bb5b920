"""Clusters: found, the same for the same seed, their purity by hand, and of training images alone."""

import numpy as np
import polars as pl
import pytest

from nearkin.embeddings.shard_index import write_index
from nearkin.finetune import pseudo_labels
from nearkin.storage import tables
from nearkin.tables.clusters import ClusterPurity, Clusters
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits
from scripts.cluster_images import cluster_images
from tests.factories.random_study import labels_of
from tests.unit.embeddings.test_load import shard


def crowds(n_crowds=5, n_each=20, width=16):
    """Unit vectors around `n_crowds` directions, in turns."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n_crowds, width))[np.arange(n_crowds * n_each) % n_crowds]
    vectors += 0.05 * rng.normal(size=vectors.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_crowds_are_found_and_numbered_by_their_first_images():
    numbers, similarities = pseudo_labels.spherical_kmeans(crowds(), n=5, seed=1, threads=1)
    assert numbers.tolist() == [i % 5 for i in range(100)]
    assert similarities.min() > 0.9


def test_the_same_for_the_same_seed():
    first, again, other = (
        pseudo_labels.spherical_kmeans(crowds(), n=12, seed=seed, threads=1)[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_copies_leave_no_cluster_empty():
    vectors = np.repeat(crowds(2, 1), 10, axis=0)
    numbers, similarities = pseudo_labels.spherical_kmeans(vectors, n=7, seed=1, threads=1)
    assert set(numbers) == set(range(numbers.max() + 1))
    assert np.allclose(similarities, 1, atol=1e-6)


def test_more_clusters_than_images_are_refused():
    with pytest.raises(ValueError, match="101 clusters of 100 training images"):
        pseudo_labels.spherical_kmeans(crowds(), n=101, seed=1, threads=1)


def test_purity_by_hand(caplog):
    table = pl.DataFrame({"uuid": list("abcdefg"), "cluster": [0, 0, 0, 1, 1, 2, 2], "similarity": [1.0] * 7})
    species = ["A a", "A a", "A b", "A c", "A b", None, None]
    caplog.set_level("INFO")
    found = pseudo_labels.measure_purity(
        table, pl.DataFrame({"uuid": list("abcdefg"), "species": species})
    ).sort("cluster")
    assert found["species"].to_list() == ["A a", "A b", None]  # of A b and A c the first by name
    assert found["purity"].to_list() == [2 / 3, 1 / 2, None]
    assert found["n_species"].to_list() == [2, 2, 0]
    assert found["n_images"].to_list() == [3, 2, 2]
    assert "purity against species: 0.600 (3 of 5 images)" in caplog.text


@pytest.mark.parametrize(
    ("how", "n"),
    [({"n_clusters": 4, "images_per_cluster": None}, 4), ({"n_clusters": None, "images_per_cluster": 10}, 6)],
)
def test_only_training_images_are_in_clusters(tmp_path, how, n):
    labels = labels_of(["Aa aa", "Aa bb", "Bb aa", "Bb bb"] * 20)
    nothing = pl.lit(None, dtype=pl.String)
    splits = labels.select("uuid", split=pl.Series(["train"] * 60 + ["test"] * 20), group_id="uuid")
    tables.write(labels, tmp_path / "labels.parquet", Labels)
    tables.write(splits.with_columns(reason=nothing, evidence=nothing), tmp_path / "splits.parquet", Splits)
    uuids = labels["uuid"].sort().to_list()
    write_index([shard(tmp_path / "0.parquet", uuids, crowds(4, 20, 4))], tmp_path / "shards.json")
    shards, *paths = [
        tmp_path / name
        for name in ("shards.json", "labels.parquet", "splits.parquet", "c.parquet", "p.parquet")
    ]
    cluster_images(
        shards, None, *paths, how=how | {"seed": 1}, threads=1, metadata={"dataset": "d", "clustering": "c"}
    )
    found = tables.read(tmp_path / "c.parquet", Clusters)
    assert set(found["uuid"]) == set(splits.filter(split="train")["uuid"])
    assert found["cluster"].n_unique() == n
    assert tables.read(tmp_path / "p.parquet", ClusterPurity)["n_images"].sum() == 60
