"""Each check passes on valid tables and fails on a table with one deliberate error."""

import numpy as np
import polars as pl
import pytest

from nearkin.evaluation import invariants, query_scores
from nearkin.evaluation.averages import compute_metrics
from nearkin.search import search
from tests.factories import random_study


@pytest.fixture(scope="module")
def study():
    labels, splits = random_study.study(1)
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(1, len(labels)))
    neighbours = search.search_protocol(
        splits, vectors_of, protocol="leave_one_out", depth=9, exclude_same_group=True
    )
    hits = query_scores.score_queries(
        [neighbours], labels, splits, exclude_same_group=True, protocols=["leave_one_out"], ks=[1, 5], depth=9
    )
    return (
        labels,
        splits,
        neighbours,
        hits,
        compute_metrics(hits, ks=[1, 5], depth=9, bootstrap_samples=100, seed=1),
    )


def assert_fails(check, *tables, match, **arguments):
    with pytest.raises(invariants.CheckError, match=match):
        check(*tables, **arguments)


def test_a_lost_row_fails():
    images = pl.DataFrame({"uuid": ["a", "b", "b", "c"]})
    labels, quarantine = pl.DataFrame({"uuid": ["a", "b"]}), pl.DataFrame({"uuid": ["c"]})
    curation_log = pl.DataFrame({"uuid": ["b"], "action": ["merged"]})
    invariants.check_rows_accounted_for(images, labels, quarantine, curation_log)
    assert_fails(
        invariants.check_rows_accounted_for,
        images,
        labels,
        quarantine,
        curation_log[:0],
        match="4 rows delivered, but 2 kept",
    )
    assert_fails(
        invariants.check_rows_accounted_for, images, labels, labels[:1], curation_log, match="1 rows lost"
    )


def test_a_group_or_content_in_two_splits_fails(study):
    _, splits, *_ = study
    inspection = splits.select("uuid", sha256="group_id")
    invariants.check_no_group_leakage(splits, inspection)
    moved = splits.with_columns(
        split=pl.when(pl.col("uuid") == pl.col("group_id")).then(pl.lit("val")).otherwise(pl.lit("test"))
    )
    assert_fails(
        invariants.check_no_group_leakage, moved, inspection, match="group_id in more than one split"
    )
    alone = moved.with_columns(group_id="uuid")
    assert_fails(invariants.check_no_group_leakage, alone, inspection, match="sha256 in more than one split")
    message = r"1 group_id in more than one split, the first g: a in train, b in test"
    leaking = pl.DataFrame(
        {"uuid": ["a", "b", "c"], "split": ["train", "test", "train"], "group_id": ["g", "g", "h"]}
    )
    assert_fails(
        invariants.check_no_group_leakage, leaking, leaking.select("uuid", sha256="uuid"), match=message
    )
    excluded = leaking.with_columns(split=pl.Series(["train", "excluded", "train"]))
    invariants.check_no_group_leakage(excluded, excluded.select("uuid", sha256="group_id"))


def test_a_specimen_in_two_splits_fails():
    splits = pl.DataFrame({"uuid": list("abcd"), "split": ["train", "train", "test", "test"]})
    specimens = ["S1", " S1", None, " "]
    images = pl.DataFrame({"uuid": list("abcd"), "specimen": specimens})
    invariants.check_specimens(splits, images)
    leaking = pl.concat([images, pl.DataFrame({"uuid": ["c"], "specimen": ["S1 "]})])
    message = "1 specimen in more than one split, the first S1: a in train, c in test; .*use_source_split"
    assert_fails(invariants.check_specimens, splits, leaking, match=message)
    excluded = splits.with_columns(split=pl.Series(["train", "train", "excluded", "test"]))
    invariants.check_specimens(excluded, leaking)


def test_a_cut_group_without_exclusion_fails():
    groups = pl.DataFrame({"uuid": ["a", "b", "c"], "group_id": ["g", "g", "g"]})
    splits = groups.select("uuid", pl.Series("split", ["train", "test", "excluded"]), group_id="uuid")
    invariants.check_cut_groups_excluded(splits, groups)
    leaking = splits.with_columns(split=pl.Series(["train", "test", "test"]))
    assert_fails(
        invariants.check_cut_groups_excluded, leaking, groups, match="first g: a in train, b in test"
    )


def test_a_held_out_species_in_another_split_fails():
    labels = random_study.labels_of(["Aa x", "Aa x", "Aa y"])
    splits = labels.select("uuid", pl.Series("split", ["unseen_species", "unseen_species", "train"]))
    invariants.check_held_out_species(splits, labels)
    invariants.check_held_out_species(splits, labels.with_columns(species=pl.lit(None, dtype=pl.String)))
    assert_fails(
        invariants.check_held_out_species,
        splits,
        labels.with_columns(species=pl.lit("Aa x")),
        match="1 images in another split",
    )
    invariants.check_held_out_species(
        splits.with_columns(split=pl.Series(["unseen_species", "excluded", "train"])), labels
    )


def test_a_vector_without_unit_norm_fails():
    good = pl.DataFrame({"uuid": ["a", "b"], "emb": pl.Series(np.eye(2, dtype=np.float32))})
    invariants.check_unit_norm(good, "x")
    for value in (np.nan, 0.5):
        bad = good.with_columns(emb=pl.Series(np.array([[1, 0], [0, value]], dtype=np.float32)))
        assert_fails(invariants.check_unit_norm, bad, "x", match="'uuid': 'b'")


def test_wrong_neighbour_order_fails(study):
    _, splits, neighbours, *_ = study
    invariants.check_neighbour_order(neighbours, splits, exclude_same_group=True)
    hole = neighbours.filter(pl.col("rank") != 3)
    assert_fails(
        invariants.check_neighbour_order, hole, splits, exclude_same_group=True, match="hole in their ranks"
    )
    rising = neighbours.with_columns(similarity=-pl.col("similarity"))
    assert_fails(
        invariants.check_neighbour_order, rising, splits, exclude_same_group=True, match="out of order"
    )
    self_matches = neighbours.with_columns(
        neighbour=pl.when(pl.col("rank") == 1).then("query").otherwise("neighbour")
    )
    assert_fails(
        invariants.check_neighbour_order,
        self_matches,
        splits,
        exclude_same_group=True,
        match="find themselves",
    )
    one_group = splits.with_columns(group_id=pl.lit("one"))
    assert_fails(
        invariants.check_neighbour_order, neighbours, one_group, exclude_same_group=True, match="own group"
    )


def test_inconsistent_hits_or_recall_fail(study):
    *_, hits, table = study
    invariants.check_hits_nested(hits)
    invariants.check_recall_monotone(table)
    invariants.check_recall_recomputed(table, hits)
    late = hits.with_columns(
        first_relevant_rank=pl.when(level="genus").then(None).otherwise("first_relevant_rank")
    )
    assert_fails(invariants.check_hits_nested, late, match="hits at species but not at genus")
    falling = table.with_columns(value=1 / pl.col("k"))
    assert_fails(invariants.check_recall_monotone, falling, match="fall with k")
    assert_fails(
        invariants.check_recall_recomputed,
        table.with_columns(value=pl.lit(0.123)),
        hits,
        match="its hits say",
    )
    assert_fails(
        invariants.check_recall_recomputed, table, hits.filter(level="genus"), match="its hits say None"
    )


def test_a_missing_caption_fails():
    labels = random_study.labels_of(["Aa x", "Aa y"])
    captions = labels.with_columns(caption=pl.lit("A fish."))
    invariants.check_captions(labels, captions)
    assert_fails(invariants.check_captions, labels, captions[:1], match="without a caption")
    other_species = captions.with_columns(species=pl.lit("Aa z"))
    assert_fails(invariants.check_captions, labels, other_species, match="without a caption")
