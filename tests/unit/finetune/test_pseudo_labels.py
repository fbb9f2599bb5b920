"""Clusters follow the data, depend on the seed, and contain only training images; their purity."""

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


def make_blobs(n_blobs=5, n_each=20, width=16):
    """Unit vectors around `n_blobs` directions; consecutive vectors belong to different directions."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n_blobs, width))[np.arange(n_blobs * n_each) % n_blobs]
    vectors += 0.05 * rng.normal(size=vectors.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_clusters_equal_the_blobs_in_order_of_their_first_images():
    clusters, similarities = pseudo_labels.spherical_kmeans(make_blobs(), n=5, seed=1, threads=1)
    assert clusters.tolist() == [i % 5 for i in range(100)]
    assert similarities.min() > 0.9


def test_clusters_depend_on_the_seed_only():
    first, repeat, other = (
        pseudo_labels.spherical_kmeans(make_blobs(), n=12, seed=seed, threads=1)[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, repeat)
    assert not np.array_equal(first, other)


def test_duplicates_leave_no_cluster_empty():
    vectors = np.repeat(make_blobs(2, 1), 10, axis=0)
    clusters, similarities = pseudo_labels.spherical_kmeans(vectors, n=7, seed=1, threads=1)
    assert set(clusters) == set(range(clusters.max() + 1))
    assert np.allclose(similarities, 1, atol=1e-6)


def test_more_clusters_than_images_is_an_error():
    with pytest.raises(ValueError, match="101 clusters of 100 training images"):
        pseudo_labels.spherical_kmeans(make_blobs(), n=101, seed=1, threads=1)


def test_purity_equals_values_computed_by_hand(caplog):
    table = pl.DataFrame({"uuid": list("abcdefg"), "cluster": [0, 0, 0, 1, 1, 2, 2], "similarity": [1.0] * 7})
    species = ["A a", "A a", "A b", "A c", "A b", None, None]
    caplog.set_level("INFO")
    purity = pseudo_labels.measure_purity(
        table, pl.DataFrame({"uuid": list("abcdefg"), "species": species})
    ).sort("cluster")
    assert purity["species"].to_list() == ["A a", "A b", None]  # a tie of A b and A c: the first by name
    assert purity["purity"].to_list() == [2 / 3, 1 / 2, None]
    assert purity["n_species"].to_list() == [2, 2, 0]
    assert purity["n_images"].to_list() == [3, 2, 2]
    assert "purity against species: 0.600 (3 of 5 images)" in caplog.text


@pytest.mark.parametrize(
    ("settings", "n"),
    [({"n_clusters": 4, "images_per_cluster": None}, 4), ({"n_clusters": None, "images_per_cluster": 10}, 6)],
)
def test_clusters_contain_only_training_images(tmp_path, settings, n):
    labels = labels_of(["Aa aa", "Aa bb", "Bb aa", "Bb bb"] * 20)
    null = pl.lit(None, dtype=pl.String)
    splits = labels.select("uuid", split=pl.Series(["train"] * 60 + ["test"] * 20), group_id="uuid")
    tables.write(labels, tmp_path / "labels.parquet", Labels)
    tables.write(splits.with_columns(reason=null, evidence=null), tmp_path / "splits.parquet", Splits)
    uuids = labels["uuid"].sort().to_list()
    write_index([shard(tmp_path / "0.parquet", uuids, make_blobs(4, 20, 4))], tmp_path / "shards.json")
    shards, *paths = [
        tmp_path / name
        for name in ("shards.json", "labels.parquet", "splits.parquet", "c.parquet", "p.parquet")
    ]
    cluster_images(
        shards,
        None,
        *paths,
        how=settings | {"seed": 1},
        threads=1,
        metadata={"dataset": "d", "clustering": "c"},
    )
    clusters = tables.read(tmp_path / "c.parquet", Clusters)
    assert set(clusters["uuid"]) == set(splits.filter(split="train")["uuid"])
    assert clusters["cluster"].n_unique() == n
    assert tables.read(tmp_path / "p.parquet", ClusterPurity)["n_images"].sum() == 60
