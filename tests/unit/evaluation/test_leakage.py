"""The leakage audit: a random split, worked out by hand and against plain loops."""

import numpy as np
import polars as pl
import pytest

from nearkin.evaluation import leakage
from nearkin.storage import tables
from nearkin.tables.leakage import LeakageAudit
from tests.factories import grouped_images, random_study

SETTINGS = {
    "split_settings": grouped_images.DEALING,
    "max_queries": 1000,
    "ks": [1, 3],
    "bootstrap_samples": 200,
    "seed": 1,
}


@pytest.fixture(scope="module")
def frames():
    """Twelve videos of three frames for each of four species; frames alike, videos at random."""
    sizes = {f"Aa {name}": [3] * 12 for name in "wxyz"}
    labels, groups = grouped_images.in_sizes(sizes)
    splits = grouped_images.split(labels, groups, held_out_species=0.25).sort("uuid")
    videos = {
        name: vector
        for name, vector in zip(
            groups["group_id"].unique().sort(), random_study.vectors(1, 48, 16, n_copies=0), strict=True
        )
    }
    return labels, splits, np.stack([videos[name] for name in splits["group_id"]])


@pytest.fixture(scope="module")
def table(frames):
    labels, splits, vectors = frames
    return leakage.audit_leakage(
        labels, splits, vectors_of=random_study.vectors_of(splits["uuid"], vectors), **SETTINGS
    )


def row(table, split, protocol="train_gallery", level="species", query_subset="all", k=1):
    key = {"split": split, "protocol": protocol, "level": level, "query_subset": query_subset, "k": k}
    return table.filter(**key).row(0, named=True)


def test_a_random_split_finds_the_frames_of_its_own_videos(table):
    assert row(table, "random", query_subset="same_group_in_gallery")["recall"] == 1
    assert row(table, "random")["recall"] > row(table, "random_masked")["recall"] + 0.3
    assert row(table, "grouped")["recall"] < 0.6
    assert row(table, "grouped", "leave_one_out", query_subset="same_group_in_gallery")["recall"] == 1
    assert row(table, "random_masked", k=3)["recall"] > row(table, "random_masked")["recall"]
    assert row(table, "grouped", query_subset="same_group_in_gallery")["n_queries"] == 0
    assert row(table, "grouped", query_subset="same_group_in_gallery")["recall"] is None


def test_query_subsets_add_up_and_masking_needs_group_members(table):
    for split in ("grouped", "random", "random_masked"):
        for protocol in leakage.PROTOCOLS:
            for k in (1, 3):
                everyone, having, lacking = (
                    row(table, split, protocol, query_subset=name, k=k)
                    for name in ("all", "same_group_in_gallery", "no_same_group_in_gallery")
                )
                assert everyone["n_queries"] == having["n_queries"] + lacking["n_queries"]
                hits = sum((part["recall"] or 0) * part["n_queries"] for part in (having, lacking))
                assert everyone["recall"] * everyone["n_queries"] == pytest.approx(hits)
                if everyone["ci_low"] is not None:
                    assert everyone["ci_low"] <= everyone["recall"] <= everyone["ci_high"]
    naive, exclude_same_group = (
        row(table, split, query_subset="no_same_group_in_gallery") for split in ("random", "random_masked")
    )
    assert naive["recall"] == exclude_same_group["recall"]


def test_the_random_recall_is_that_of_plain_loops(frames, table):
    labels, splits, vectors = frames
    naive = leakage.random_split(labels, splits, grouped_images.DEALING).join(labels, on="uuid")
    rows = {uuid: i for i, uuid in enumerate(splits["uuid"])}
    gallery = [
        (uuid, species) for uuid, species in naive.filter(split="train").select("uuid", "species").rows()
    ]
    hits = []
    for uuid, species in naive.filter(split="test").select("uuid", "species").rows():
        mine = vectors[rows[uuid]].astype(float)
        nearest = min(gallery, key=lambda one: (-float(mine @ vectors[rows[one[0]]].astype(float)), one[0]))
        hits.append(nearest[1] == species)
    assert row(table, "random")["recall"] == pytest.approx(
        np.mean(hits), abs=0.02
    )  # ties add up in another order
    assert row(table, "random")["n_queries"] == len(hits)


def test_the_random_split_has_the_same_images_and_shares(frames):
    labels, splits, _ = frames
    naive = leakage.random_split(labels, splits, grouped_images.DEALING)
    seen = splits.filter(pl.col("split") != "unseen_species")
    assert naive.join(seen, on=["uuid", "group_id"]).height == len(seen) == len(naive)
    counts = dict(naive.group_by("split").len().iter_rows())
    assert abs(counts["test"] - 0.35 * len(seen)) <= 4
    groups, images = leakage.count_split_groups(naive)
    assert 0 < groups <= 36
    assert images == 3 * groups
    assert leakage.count_split_groups(splits) == (0, 0)


def test_a_sample_of_queries_has_about_the_recall_of_all(frames, table):
    labels, splits, vectors = frames
    settings = SETTINGS | {"max_queries": 20}
    sampled = leakage.audit_leakage(
        labels, splits, vectors_of=random_study.vectors_of(splits["uuid"], vectors), **settings
    )
    for split in ("grouped", "random", "random_masked"):
        for protocol in leakage.PROTOCOLS:
            few, every = row(sampled, split, protocol), row(table, split, protocol)
            assert 10 <= few["n_queries"] <= 20 < every["n_queries"]
            assert abs(few["recall"] - every["recall"]) < 0.25
    columns = ["n_leaking_groups", "n_leaking_images"]
    assert sampled.select(columns).equals(table.select(columns))


def test_without_test_images_the_audit_is_a_table_of_nothing():
    labels, groups = grouped_images.in_sizes({"Aa x": [1], "Aa y": [1]})
    splits = grouped_images.split(labels, groups)
    table = leakage.audit_leakage(
        labels,
        splits,
        vectors_of=random_study.vectors_of(splits["uuid"], random_study.vectors(1, 2)),
        **SETTINGS,
    )
    assert table["n_queries"].sum() == 0
    assert table["recall"].null_count() == len(table)


def test_a_member_is_another_image_of_the_group_in_the_gallery():
    rows = [
        ("a", "test", "g"),
        ("b", "test", "g"),
        ("c", "test", "h"),
        ("d", "train", "h"),
        ("e", "train", "i"),
    ]
    splits = pl.DataFrame(rows, schema=["uuid", "split", "group_id"], orient="row")
    assert leakage.find_queries_with_group_member(splits, "leave_one_out").to_list() == ["a", "b"]
    assert leakage.find_queries_with_group_member(splits, "train_gallery").to_list() == ["c"]


def test_the_same_bytes_whatever_the_order_of_rows(frames, table, tmp_path):
    labels, splits, vectors = frames
    tables.write(table, tmp_path / "a.parquet", LeakageAudit)
    again = leakage.audit_leakage(
        labels.reverse(),
        splits.reverse(),
        vectors_of=random_study.vectors_of(splits["uuid"], vectors),
        **SETTINGS,
    )
    tables.write(again, tmp_path / "b.parquet", LeakageAudit)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_groups_leak_if_they_span_train_val_and_test():
    rows = [
        ("train", "g"),
        ("test", "g"),
        ("test", "g"),
        ("val", "h"),
        ("val", "h"),
        ("train", "i"),
        ("excluded", "i"),
    ]
    rows += [("unseen_species", "j"), ("test", "j"), ("train", "k"), ("val", "k"), ("test", "k")]
    assert leakage.count_split_groups(pl.DataFrame(rows, schema=["split", "group_id"], orient="row")) == (
        2,
        6,
    )


def test_intervals_of_the_audit_resample_all_groups_together():
    rng = np.random.default_rng(1)
    counted = pl.DataFrame({"n": rng.integers(1, 4, 40)})
    counted = counted.with_columns(h1=pl.col("n") - pl.Series(rng.integers(0, 2, 40)), h3=pl.col("n") - 1)
    shares, low, high = leakage._compute_shares(counted, [1, 3], 200, 7)
    [weights] = leakage.intervals.bootstrap_weights(
        np.zeros(40, dtype=np.int64), bootstrap_samples=200, seed=7
    )
    for i, name in enumerate(["h1", "h3"]):
        drawn_shares = (weights @ counted[name].to_numpy()) / (weights @ counted["n"].to_numpy())
        assert shares[i] == pytest.approx(counted[name].sum() / counted["n"].sum())
        assert (low[i], high[i]) == pytest.approx(np.quantile(drawn_shares, [0.025, 0.975]))
