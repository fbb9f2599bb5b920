"""Each check passes on good tables and fails on a table that is broken on purpose."""

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
    found = search.search_protocol(
        splits, vectors_of, protocol="leave_one_out", depth=9, exclude_same_group=True
    )
    hits = query_scores.score_queries(
        [found], labels, splits, exclude_same_group=True, protocols=["leave_one_out"], ks=[1, 5], depth=9
    )
    return (
        labels,
        splits,
        found,
        hits,
        compute_metrics(hits, ks=[1, 5], depth=9, bootstrap_samples=100, seed=1),
    )


def broken(check, *tables, match, **arguments):
    with pytest.raises(invariants.CheckError, match=match):
        check(*tables, **arguments)


def test_nothing_is_lost():
    images = pl.DataFrame({"uuid": ["a", "b", "b", "c"]})
    labels, quarantine = pl.DataFrame({"uuid": ["a", "b"]}), pl.DataFrame({"uuid": ["c"]})
    curation_log = pl.DataFrame({"uuid": ["b"], "action": ["merged"]})
    invariants.check_rows_accounted_for(images, labels, quarantine, curation_log)
    broken(
        invariants.check_rows_accounted_for,
        images,
        labels,
        quarantine,
        curation_log[:0],
        match="4 rows delivered, but 2 kept",
    )
    broken(invariants.check_rows_accounted_for, images, labels, labels[:1], curation_log, match="1 rows lost")


def test_groups_and_contents_are_in_one_split(study):
    _, splits, *_ = study
    inspection = splits.select("uuid", sha256="group_id")
    invariants.check_no_group_leakage(splits, inspection)
    moved = splits.with_columns(
        split=pl.when(pl.col("uuid") == pl.col("group_id")).then(pl.lit("val")).otherwise(pl.lit("test"))
    )
    broken(invariants.check_no_group_leakage, moved, inspection, match="group_id in more than one split")
    alone = moved.with_columns(group_id="uuid")
    broken(invariants.check_no_group_leakage, alone, inspection, match="sha256 in more than one split")
    message = r"1 group_id in more than one split, the first g: a in train, b in test"
    leaking = pl.DataFrame(
        {"uuid": ["a", "b", "c"], "split": ["train", "test", "train"], "group_id": ["g", "g", "h"]}
    )
    broken(invariants.check_no_group_leakage, leaking, leaking.select("uuid", sha256="uuid"), match=message)
    excluded = leaking.with_columns(split=pl.Series(["train", "excluded", "train"]))
    invariants.check_no_group_leakage(excluded, excluded.select("uuid", sha256="group_id"))


def test_specimens_are_whole():
    splits = pl.DataFrame({"uuid": list("abcd"), "split": ["train", "train", "test", "test"]})
    specimens = ["S1", " S1", None, " "]
    images = pl.DataFrame({"uuid": list("abcd"), "specimen": specimens})
    invariants.check_specimens(splits, images)
    leaking = pl.concat([images, pl.DataFrame({"uuid": ["c"], "specimen": ["S1 "]})])
    message = "1 specimen in more than one split, the first S1: a in train, c in test; .*use_source_split"
    broken(invariants.check_specimens, splits, leaking, match=message)
    excluded = splits.with_columns(split=pl.Series(["train", "train", "excluded", "test"]))
    invariants.check_specimens(excluded, leaking)


def test_only_excluded_images_cut_groups():
    groups = pl.DataFrame({"uuid": ["a", "b", "c"], "group_id": ["g", "g", "g"]})
    splits = groups.select("uuid", pl.Series("split", ["train", "test", "excluded"]), group_id="uuid")
    invariants.check_cut_groups_excluded(splits, groups)
    leaking = splits.with_columns(split=pl.Series(["train", "test", "test"]))
    broken(invariants.check_cut_groups_excluded, leaking, groups, match="first g: a in train, b in test")


def test_held_out_species_are_in_no_other_split():
    labels = random_study.labels_of(["Aa x", "Aa x", "Aa y"])
    splits = labels.select("uuid", pl.Series("split", ["unseen_species", "unseen_species", "train"]))
    invariants.check_held_out_species(splits, labels)
    invariants.check_held_out_species(splits, labels.with_columns(species=pl.lit(None, dtype=pl.String)))
    broken(
        invariants.check_held_out_species,
        splits,
        labels.with_columns(species=pl.lit("Aa x")),
        match="1 images in another split",
    )
    invariants.check_held_out_species(
        splits.with_columns(split=pl.Series(["unseen_species", "excluded", "train"])), labels
    )


def test_unit_vectors():
    good = pl.DataFrame({"uuid": ["a", "b"], "emb": pl.Series(np.eye(2, dtype=np.float32))})
    invariants.check_unit_norm(good, "x")
    for value in (np.nan, 0.5):
        bad = good.with_columns(emb=pl.Series(np.array([[1, 0], [0, value]], dtype=np.float32)))
        broken(invariants.check_unit_norm, bad, "x", match="'uuid': 'b'")


def test_neighbours_ordered(study):
    _, splits, found, *_ = study
    invariants.check_neighbour_order(found, splits, exclude_same_group=True)
    hole = found.filter(pl.col("rank") != 3)
    broken(
        invariants.check_neighbour_order, hole, splits, exclude_same_group=True, match="hole in their ranks"
    )
    rising = found.with_columns(similarity=-pl.col("similarity"))
    broken(invariants.check_neighbour_order, rising, splits, exclude_same_group=True, match="out of order")
    myself = found.with_columns(neighbour=pl.when(pl.col("rank") == 1).then("query").otherwise("neighbour"))
    broken(invariants.check_neighbour_order, myself, splits, exclude_same_group=True, match="find themselves")
    together = splits.with_columns(group_id=pl.lit("one"))
    broken(invariants.check_neighbour_order, found, together, exclude_same_group=True, match="own group")


def test_hits_and_recall(study):
    *_, hits, table = study
    invariants.check_hits_nested(hits)
    invariants.check_recall_monotone(table)
    invariants.check_recall_recomputed(table, hits)
    late = hits.with_columns(
        first_relevant_rank=pl.when(level="genus").then(None).otherwise("first_relevant_rank")
    )
    broken(invariants.check_hits_nested, late, match="hits at species but not at genus")
    falling = table.with_columns(value=1 / pl.col("k"))
    broken(invariants.check_recall_monotone, falling, match="fall with k")
    broken(
        invariants.check_recall_recomputed,
        table.with_columns(value=pl.lit(0.123)),
        hits,
        match="its hits say",
    )
    broken(invariants.check_recall_recomputed, table, hits.filter(level="genus"), match="its hits say None")


def test_captions_whole():
    labels = random_study.labels_of(["Aa x", "Aa y"])
    captions = labels.with_columns(caption=pl.lit("A fish."))
    invariants.check_captions(labels, captions)
    broken(invariants.check_captions, labels, captions[:1], match="without a caption")
    renamed = captions.with_columns(species=pl.lit("Aa z"))
    broken(invariants.check_captions, labels, renamed, match="without a caption")
