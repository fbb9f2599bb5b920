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
    columns = {"uuid": labels["uuid"], "split": "test", "group_id": labels["uuid"], "reason": None}
    return labels, pl.DataFrame(columns, schema_overrides={"reason": pl.String})


def make_neighbours(labels, *, own_species_first, depth=DEPTH):
    """Neighbours of every image: those of its own species first, or last."""
    rows = labels.select("uuid", "species").to_dicts()
    neighbours = []
    for query in rows:
        others = sorted(
            (other for other in rows if other is not query),
            key=lambda other: ((other["species"] == query["species"]) != own_species_first, other["uuid"]),
        )
        ranks = enumerate(others[:depth], start=1)
        neighbours += [
            ("leave_one_out", query["uuid"], rank, other["uuid"], 1 / rank) for rank, other in ranks
        ]
    frame = pl.DataFrame(neighbours, schema=list(Neighbours.column_names()), orient="row")
    return frame.with_columns(pl.col("rank").cast(pl.Int32))


def score_hits(labels, splits, neighbours):
    protocols = ["leave_one_out"]
    return query_scores.score_queries(
        [neighbours], labels, splits, exclude_same_group=True, protocols=protocols, ks=KS, depth=DEPTH
    )


def compute_averages(hits):
    return compute_metrics(hits, ks=KS, depth=DEPTH, bootstrap_samples=100, seed=SEED)


@pytest.mark.parametrize("species", [["Aa x"] * 6, ["Aa x", "Aa x", "Aa y", "Aa y", "Bb z", "Bb z"]])
@pytest.mark.parametrize("orders", list(itertools.product([True, False], repeat=2)))
def test_studies_with_all_no_or_one_species_hits_have_claims(species, orders):
    labels, splits = study(species)
    neighbours = [
        make_neighbours(labels, own_species_first=own_species_first) for own_species_first in orders
    ]
    hits = [QueryScores.validate(score_hits(labels, splits, table)) for table in neighbours]
    recalls = [Metrics.validate(compute_averages(scores)) for scores in hits]
    is_single_species = len(set(species)) == 1
    for own_species_first, table in zip(orders, recalls, strict=True):
        row = table.filter(**AT, **ALL, average="micro").row(0, named=True)
        assert row["value"] == (1.0 if own_species_first or is_single_species else 0.0)
        assert row["ci_low"] <= row["value"] <= row["ci_high"] and row["ci_high"] - row["ci_low"] > 0.3
    counts = paired.count_training_images(labels, splits)
    table = paired.compare_models(
        *hits, n_train=counts, ks=KS, min_queries=2, bootstrap_samples=100, seed=SEED
    ).pipe(Differences.validate)
    overall = table.filter(**AT, category="all", label="all").row(0, named=True)
    assert overall["diff_pp"] == (0.0 if is_single_species else 100.0 * (orders[1] - orders[0]))
    claims = evaluate.evaluate_claims({"base": recalls[0], "trained": recalls[1]}, table, k=1)
    assert len(Claims.validate(claims))
    assert len(compare_top1(hits, [table.filter(rank=1) for table in neighbours])) == len(hits[0])
    assert len(compare_all_pairs({"a": hits[0], "b": hits[1]}, k=1, bootstrap_samples=100, seed=SEED))
    assert len(recall_curve.compute_recall_curve(hits[0], depth=DEPTH, bootstrap_samples=100, seed=SEED))
    assert len(confusions.count_confusions(neighbours[0].filter(rank=1), labels))


def test_a_study_without_reachable_queries_has_no_recall_of_them():
    labels, splits = study(["Aa x", "Aa y", "Bb z", "Bb w"])
    table = compute_averages(score_hits(labels, splits, make_neighbours(labels, own_species_first=True)))
    rows = table.filter(**AT, category="all", label="all", average="micro")
    by_subset = {row["query_subset"]: row for row in rows.to_dicts()}
    assert by_subset["all"]["value"] == 0.0
    assert (by_subset["reachable"]["value"], by_subset["reachable"]["null_reason"]) == (
        None,
        "no queries",
    )


def test_neighbours_without_a_query_or_a_rank_are_refused():
    labels, splits = study(["Aa x"] * 4)
    neighbours, first = make_neighbours(labels, own_species_first=True), labels["uuid"][0]
    for incomplete in (
        neighbours.clear(),
        neighbours.filter(pl.col("query") != first),
        neighbours.filter(pl.col("rank") != 1),
    ):
        with pytest.raises(ValueError, match=f"the first is {first} with [02], not 3: .*remove"):
            score_hits(labels, splits, incomplete)


def test_neighbours_of_other_splits_are_refused():
    labels, splits = study(["Aa x"] * 5)
    neighbours, absent = make_neighbours(labels, own_species_first=True), labels["uuid"][0]
    with pytest.raises(ValueError, match=f"image {absent} has no part in it by the splits"):
        score_hits(labels, splits.filter(pl.col("uuid") != absent), neighbours)


def test_a_nan_similarity_is_refused(tmp_path):
    neighbours = make_neighbours(study(["Aa x"] * 4)[0], own_species_first=True)
    neighbours = neighbours.with_columns(
        similarity=pl.when(rank=1).then(float("nan")).otherwise("similarity")
    )
    with pytest.raises(ValueError, match=r"(?s)neighbours.parquet: is not a Neighbours table: .*similarity"):
        tables.write(neighbours, tmp_path / "neighbours.parquet", Neighbours)


def test_models_without_a_species_in_common_are_not_compared():
    labels, splits = study(["Aa x"] * 3 + ["Bb z"] * 3)
    hits = score_hits(labels, splits, make_neighbours(labels, own_species_first=True)).filter(level="species")
    base, trained = hits.filter(label="Aa x"), hits.filter(label="Bb z")
    counts = paired.count_training_images(labels, splits)
    with pytest.raises(ValueError, match="did not answer the same queries"):
        paired.compare_models(
            base, trained, n_train=counts, ks=KS, min_queries=2, bootstrap_samples=100, seed=SEED
        )
