"""Each invariant holds on good tables and is missed on a table broken on purpose."""

import numpy as np
import polars as pl
import pytest

from nearkin.evaluation import invariants, query_scores
from nearkin.evaluation.averages import recall
from nearkin.search import search
from tests.factories import random_study


@pytest.fixture(scope="module")
def study():
    labels, splits = random_study.study(1)
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(1, len(labels)))
    found = search.find(splits, vectors_of, protocol="leave_one_out", depth=9, mask_groups=True)
    hits = query_scores.hits(
        [found], labels, splits, masked=True, wanted=["leave_one_out"], ks=[1, 5], depth=9
    )
    return labels, splits, found, hits, recall(hits, ks=[1, 5], depth=9, resamples=100, seed=1)


def broken(check, *tables, said, **arguments):
    with pytest.raises(invariants.CheckError, match=said):
        check(*tables, **arguments)


def test_nothing_is_lost():
    images = pl.DataFrame({"uuid": ["a", "b", "b", "c"]})
    labels, quarantine = pl.DataFrame({"uuid": ["a", "b"]}), pl.DataFrame({"uuid": ["c"]})
    gaps = pl.DataFrame({"uuid": ["b"], "action": ["merged"]})
    invariants.nothing_lost(images, labels, quarantine, gaps)
    broken(invariants.nothing_lost, images, labels, quarantine, gaps[:0], said="4 rows delivered, but 2 kept")
    broken(invariants.nothing_lost, images, labels, labels[:1], gaps, said="1 rows lost")


def test_nothing_straddles(study):
    _, splits, *_ = study
    inspection = splits.select("uuid", sha256="group_id")
    invariants.nothing_straddles(splits, inspection)
    moved = splits.with_columns(
        split=pl.when(pl.col("uuid") == pl.col("group_id")).then(pl.lit("val")).otherwise(pl.lit("test"))
    )
    broken(invariants.nothing_straddles, moved, inspection, said="group_id on two sides")
    alone = moved.with_columns(group_id="uuid")
    broken(invariants.nothing_straddles, alone, inspection, said="sha256 on two sides")
    named = r"1 group_id on two sides of the split, the first g: a in train, b in test"
    torn = pl.DataFrame(
        {"uuid": ["a", "b", "c"], "split": ["train", "test", "train"], "group_id": ["g", "g", "h"]}
    )
    broken(invariants.nothing_straddles, torn, torn.select("uuid", sha256="uuid"), said=named)
    aside = torn.with_columns(split=pl.Series(["train", "aside", "train"]))
    invariants.nothing_straddles(aside, aside.select("uuid", sha256="group_id"))


def test_specimens_are_whole():
    splits = pl.DataFrame({"uuid": list("abcd"), "split": ["train", "train", "test", "test"]})
    specimens = ["S1", " S1", None, " "]
    images = pl.DataFrame({"uuid": list("abcd"), "specimen": specimens})
    invariants.specimens_whole(splits, images)
    torn = pl.concat([images, pl.DataFrame({"uuid": ["c"], "specimen": ["S1 "]})])
    named = "1 specimen on two sides of the split, the first S1: a in train, c in test"
    broken(invariants.specimens_whole, splits, torn, said=named)
    aside = splits.with_columns(split=pl.Series(["train", "train", "aside", "test"]))
    invariants.specimens_whole(aside, torn)


def test_only_bridges_cut_groups():
    groups = pl.DataFrame({"uuid": ["a", "b", "c"], "group_id": ["g", "g", "g"]})
    splits = groups.select("uuid", pl.Series("split", ["train", "test", "aside"]), group_id="uuid")
    invariants.only_bridges_cut_groups(splits, groups)
    torn = splits.with_columns(split=pl.Series(["train", "test", "test"]))
    broken(invariants.only_bridges_cut_groups, torn, groups, said="first g: a in train, b in test")


def test_unseen_stays_unseen():
    labels = random_study.labels_of(["Aa x", "Aa x", "Aa y"])
    splits = labels.select("uuid", pl.Series("split", ["unseen", "unseen", "train"]))
    invariants.unseen_stays_unseen(splits, labels)
    invariants.unseen_stays_unseen(splits, labels.with_columns(species=pl.lit(None, dtype=pl.String)))
    broken(
        invariants.unseen_stays_unseen,
        splits,
        labels.with_columns(species=pl.lit("Aa x")),
        said="1 images on a side",
    )
    invariants.unseen_stays_unseen(splits.with_columns(split=pl.Series(["unseen", "aside", "train"])), labels)


def test_unit_vectors():
    good = pl.DataFrame({"uuid": ["a", "b"], "emb": pl.Series(np.eye(2, dtype=np.float32))})
    invariants.unit_vectors(good, "x")
    for value in (np.nan, 0.5):
        bad = good.with_columns(emb=pl.Series(np.array([[1, 0], [0, value]], dtype=np.float32)))
        broken(invariants.unit_vectors, bad, "x", said="'uuid': 'b'")


def test_neighbours_ordered(study):
    _, splits, found, *_ = study
    invariants.neighbours_ordered(found, splits, masked=True)
    hole = found.filter(pl.col("rank") != 3)
    broken(invariants.neighbours_ordered, hole, splits, masked=True, said="hole in their ranks")
    rising = found.with_columns(similarity=-pl.col("similarity"))
    broken(invariants.neighbours_ordered, rising, splits, masked=True, said="out of order")
    myself = found.with_columns(neighbour=pl.when(pl.col("rank") == 1).then("uuid").otherwise("neighbour"))
    broken(invariants.neighbours_ordered, myself, splits, masked=True, said="find themselves")
    together = splits.with_columns(group_id=pl.lit("one"))
    broken(invariants.neighbours_ordered, found, together, masked=True, said="group mate")


def test_hits_and_recall(study):
    *_, hits, table = study
    invariants.hits_nested(hits)
    invariants.recall_grows(table)
    invariants.recall_agrees(table, hits)
    late = hits.with_columns(first_hit=pl.when(level="genus").then(None).otherwise("first_hit"))
    broken(invariants.hits_nested, late, said="hits at species but not at genus")
    falling = table.with_columns(value=1 / pl.col("k"))
    broken(invariants.recall_grows, falling, said="fall with k")
    broken(invariants.recall_agrees, table.with_columns(value=pl.lit(0.123)), hits, said="its hits say")


def test_captions_whole():
    labels = random_study.labels_of(["Aa x", "Aa y"])
    captions = labels.with_columns(caption=pl.lit("A fish."))
    invariants.captions_whole(labels, captions)
    broken(invariants.captions_whole, labels, captions[:1], said="without a caption")
    renamed = captions.with_columns(species=pl.lit("Aa z"))
    broken(invariants.captions_whole, labels, renamed, said="without a caption")
