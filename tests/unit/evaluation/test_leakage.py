"""The leakage audit: a random split, worked out by hand and against plain loops."""

import numpy as np
import polars as pl
import pytest

from nearkin.evaluation import leakage
from nearkin.storage import tables
from nearkin.tables.leakage import LeakageAudit
from tests.factories import grouped_images, random_study

SETTINGS = {
    "split_settings": grouped_images.SPLIT_SETTINGS,
    "max_queries": 1000,
    "ks": [1, 3],
    "bootstrap_samples": 200,
    "seed": 1,
}


@pytest.fixture(scope="module")
def frames():
    """Twelve videos of three frames for each of four species; all frames of a video have one vector."""
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


def select_row(table, split, protocol="train_gallery", level="species", query_subset="all", k=1):
    key = {"split": split, "protocol": protocol, "level": level, "query_subset": query_subset, "k": k}
    return table.filter(**key).row(0, named=True)


def test_a_random_split_finds_frames_of_the_same_video(table):
    assert select_row(table, "random", query_subset="same_group_in_gallery")["recall"] == 1
    assert select_row(table, "random")["recall"] > select_row(table, "random_masked")["recall"] + 0.3
    assert select_row(table, "grouped")["recall"] < 0.6
    assert select_row(table, "grouped", "leave_one_out", query_subset="same_group_in_gallery")["recall"] == 1
    assert select_row(table, "random_masked", k=3)["recall"] > select_row(table, "random_masked")["recall"]
    assert select_row(table, "grouped", query_subset="same_group_in_gallery")["n_queries"] == 0
    assert select_row(table, "grouped", query_subset="same_group_in_gallery")["recall"] is None


def test_query_subsets_sum_to_all_queries(table):
    for split in ("grouped", "random", "random_masked"):
        for protocol in leakage.PROTOCOLS:
            for k in (1, 3):
                all_queries, with_member, without_member = (
                    select_row(table, split, protocol, query_subset=name, k=k)
                    for name in ("all", "same_group_in_gallery", "no_same_group_in_gallery")
                )
                assert all_queries["n_queries"] == with_member["n_queries"] + without_member["n_queries"]
                hits = sum(
                    (subset["recall"] or 0) * subset["n_queries"] for subset in (with_member, without_member)
                )
                assert all_queries["recall"] * all_queries["n_queries"] == pytest.approx(hits)
                if all_queries["ci_low"] is not None:
                    assert all_queries["ci_low"] <= all_queries["recall"] <= all_queries["ci_high"]
    naive, masked = (
        select_row(table, split, query_subset="no_same_group_in_gallery")
        for split in ("random", "random_masked")
    )
    assert naive["recall"] == masked["recall"]


def test_the_random_recall_is_that_of_plain_loops(frames, table):
    labels, splits, vectors = frames
    naive = leakage.random_split(labels, splits, grouped_images.SPLIT_SETTINGS).join(labels, on="uuid")
    rows = {uuid: i for i, uuid in enumerate(splits["uuid"])}
    gallery = [
        (uuid, species) for uuid, species in naive.filter(split="train").select("uuid", "species").rows()
    ]
    hits = []
    for uuid, species in naive.filter(split="test").select("uuid", "species").rows():
        vector = vectors[rows[uuid]].astype(float)
        nearest = min(
            gallery,
            key=lambda candidate: (-float(vector @ vectors[rows[candidate[0]]].astype(float)), candidate[0]),
        )
        hits.append(nearest[1] == species)
    assert select_row(table, "random")["recall"] == pytest.approx(
        np.mean(hits), abs=0.02
    )  # with ties, sums have another order
    assert select_row(table, "random")["n_queries"] == len(hits)


def test_the_random_split_has_the_same_images_and_shares(frames):
    labels, splits, _ = frames
    naive = leakage.random_split(labels, splits, grouped_images.SPLIT_SETTINGS)
    trained_species = splits.filter(pl.col("split") != "unseen_species")
    assert naive.join(trained_species, on=["uuid", "group_id"]).height == len(trained_species) == len(naive)
    counts = dict(naive.group_by("split").len().iter_rows())
    assert abs(counts["test"] - 0.35 * len(trained_species)) <= 4
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
            sample, full = select_row(sampled, split, protocol), select_row(table, split, protocol)
            assert 10 <= sample["n_queries"] <= 20 < full["n_queries"]
            assert abs(sample["recall"] - full["recall"]) < 0.25
    columns = ["n_leaking_groups", "n_leaking_images"]
    assert sampled.select(columns).equals(table.select(columns))


def test_an_audit_without_test_images_has_no_values():
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


def test_a_group_member_is_another_gallery_image_of_the_group():
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


def test_row_order_changes_no_byte(frames, table, tmp_path):
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
    hits_by_group = pl.DataFrame({"n": rng.integers(1, 4, 40)})
    hits_by_group = hits_by_group.with_columns(
        h1=pl.col("n") - pl.Series(rng.integers(0, 2, 40)), h3=pl.col("n") - 1
    )
    shares, low, high = leakage._compute_shares(hits_by_group, [1, 3], 200, 7)
    [weights] = leakage.bootstrap_weights(np.zeros(40, dtype=np.int64), bootstrap_samples=200, seed=7)
    for i, name in enumerate(["h1", "h3"]):
        drawn_shares = (weights @ hits_by_group[name].to_numpy()) / (weights @ hits_by_group["n"].to_numpy())
        assert shares[i] == pytest.approx(hits_by_group[name].sum() / hits_by_group["n"].sum())
        assert (low[i], high[i]) == pytest.approx(np.quantile(drawn_shares, [0.025, 0.975]))
