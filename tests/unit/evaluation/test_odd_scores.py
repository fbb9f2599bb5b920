"""Scores of odd studies, from neighbours to claims: sensible numbers or a clear error, and no warning."""

import itertools

import polars as pl
import pytest

from nearkin.claims import evaluate
from nearkin.comparison import paired
from nearkin.comparison.all_pairs import compare_all_pairs
from nearkin.comparison.flips import compare_top1
from nearkin.evaluation import confusions, query_scores, recall_curve
from nearkin.evaluation.averages import compute_metrics
from nearkin.storage import tables
from nearkin.tables.claims import Claims
from nearkin.tables.neighbours import Neighbours
from nearkin.tables.scores import Differences, Metrics, QueryScores
from tests.factories import random_study

pytestmark = pytest.mark.filterwarnings("error")
AT = {"protocol": "leave_one_out", "level": "species", "metric": "recall", "k": 1}
ALL = {"query_subset": "all", "category": "all", "label": "all"}
KS, DEPTH, SEED = [1, 2], 3, 1


def study(species):
    """Images of some species, all in test and each a group of its own: (labels, splits)."""
    labels = random_study.labels_of(species).sort("uuid")
    alone = {"uuid": labels["uuid"], "split": "test", "group_id": labels["uuid"], "reason": None}
    return labels, pl.DataFrame(alone, schema_overrides={"reason": pl.String})


def nearest(labels, *, right, depth=DEPTH):
    """Neighbours of every image: those of its own species first, or last."""
    rows = labels.select("uuid", "species").to_dicts()
    found = []
    for one in rows:
        others = sorted(
            (other for other in rows if other is not one),
            key=lambda other: ((other["species"] == one["species"]) != right, other["uuid"]),
        )
        ranks = enumerate(others[:depth], start=1)
        found += [("leave_one_out", one["uuid"], rank, other["uuid"], 1 / rank) for rank, other in ranks]
    frame = pl.DataFrame(found, schema=list(Neighbours.column_names()), orient="row")
    return frame.with_columns(pl.col("rank").cast(pl.Int32))


def hits_of(labels, splits, found):
    wanted = ["leave_one_out"]
    return query_scores.score_queries(
        [found], labels, splits, exclude_same_group=True, protocols=wanted, ks=KS, depth=DEPTH
    )


def averages(hits):
    return compute_metrics(hits, ks=KS, depth=DEPTH, bootstrap_samples=100, seed=SEED)


@pytest.mark.parametrize("species", [["Aa x"] * 6, ["Aa x", "Aa x", "Aa y", "Aa y", "Bb z", "Bb z"]])
@pytest.mark.parametrize("rights", list(itertools.product([True, False], repeat=2)))
def test_all_hit_none_hit_or_one_species_alone(species, rights):
    labels, splits = study(species)
    found = [nearest(labels, right=right) for right in rights]
    hits = [QueryScores.validate(hits_of(labels, splits, one)) for one in found]
    recalls = [Metrics.validate(averages(one)) for one in hits]
    alone = len(set(species)) == 1
    for right, table in zip(rights, recalls, strict=True):
        row = table.filter(**AT, **ALL, average="micro").row(0, named=True)
        assert row["value"] == (1.0 if right or alone else 0.0)
        assert row["ci_low"] <= row["value"] <= row["ci_high"] and row["ci_high"] - row["ci_low"] > 0.3
    counts = paired.count_training_images(labels, splits)
    table = paired.compare_models(
        *hits, n_train=counts, ks=KS, min_queries=2, bootstrap_samples=100, seed=SEED
    ).pipe(Differences.validate)
    overall = table.filter(**AT, category="all", label="all").row(0, named=True)
    assert overall["diff_pp"] == (0.0 if alone else 100.0 * (rights[1] - rights[0]))
    claims = evaluate.evaluate_claims({"base": recalls[0], "trained": recalls[1]}, table, k=1)
    assert len(Claims.validate(claims))
    assert len(compare_top1(hits, [one.filter(rank=1) for one in found])) == len(hits[0])
    assert len(compare_all_pairs({"a": hits[0], "b": hits[1]}, k=1, bootstrap_samples=100, seed=SEED))
    assert len(recall_curve.compute_recall_curve(hits[0], depth=DEPTH, bootstrap_samples=100, seed=SEED))
    assert len(confusions.count_confusions(found[0].filter(rank=1), labels))


def test_nobody_can_be_found():
    labels, splits = study(["Aa x", "Aa y", "Bb z", "Bb w"])
    table = averages(hits_of(labels, splits, nearest(labels, right=True)))
    rows = table.filter(**AT, category="all", label="all", average="micro")
    by_population = {row["query_subset"]: row for row in rows.to_dicts()}
    assert by_population["all"]["value"] == 0.0
    assert (by_population["reachable"]["value"], by_population["reachable"]["null_reason"]) == (
        None,
        "no queries",
    )


def test_neighbours_that_lack_a_query_or_a_rank_are_refused():
    labels, splits = study(["Aa x"] * 4)
    found, first = nearest(labels, right=True), labels["uuid"][0]
    for lacking in (found.clear(), found.filter(pl.col("query") != first), found.filter(pl.col("rank") != 1)):
        with pytest.raises(ValueError, match=f"the first is {first} with [02], not 3: .*remove"):
            hits_of(labels, splits, lacking)


def test_neighbours_of_other_splits_are_refused():
    labels, splits = study(["Aa x"] * 5)
    found, gone = nearest(labels, right=True), labels["uuid"][0]
    with pytest.raises(ValueError, match=f"image {gone} has no part in it by the splits"):
        hits_of(labels, splits.filter(pl.col("uuid") != gone), found)


def test_a_similarity_that_is_no_number_is_refused(tmp_path):
    found = nearest(study(["Aa x"] * 4)[0], right=True)
    found = found.with_columns(similarity=pl.when(rank=1).then(float("nan")).otherwise("similarity"))
    with pytest.raises(ValueError, match=r"(?s)neighbours.parquet: is not a Neighbours table: .*similarity"):
        tables.write(found, tmp_path / "neighbours.parquet", Neighbours)


def test_models_without_a_species_in_common_are_not_compared():
    labels, splits = study(["Aa x"] * 3 + ["Bb z"] * 3)
    hits = hits_of(labels, splits, nearest(labels, right=True)).filter(level="species")
    base, trained = hits.filter(label="Aa x"), hits.filter(label="Bb z")
    counts = paired.count_training_images(labels, splits)
    with pytest.raises(ValueError, match="did not answer the same queries"):
        paired.compare_models(
            base, trained, n_train=counts, ks=KS, min_queries=2, bootstrap_samples=100, seed=SEED
        )
