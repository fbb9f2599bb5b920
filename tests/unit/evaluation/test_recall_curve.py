"""Recall by k: worked out by hand, and equal to the metrics table."""

import polars as pl
import pytest

from nearkin.evaluation import query_scores, recall_curve
from nearkin.evaluation.averages import compute_metrics
from nearkin.search import search
from nearkin.tables.recall_curve import RecallCurve
from nearkin.vocabulary import PROTOCOL_SPLITS
from tests.factories import random_study


def make_hits(first_hits):
    """The `QueryScores` columns of queries of one species, each a group of its own."""
    n = len(first_hits)
    return pl.DataFrame(
        {
            "protocol": ["train_gallery"] * n,
            "level": ["species"] * n,
            "uuid": [f"{i:03d}" for i in range(n)],
            "category": ["Fish"] * n,
            "label": ["Aus bus"] * n,
            "group_id": [f"{i:03d}" for i in range(n)],
            "first_relevant_rank": pl.Series(first_hits, dtype=pl.Int32),
        }
    )


def test_a_curve_equals_values_worked_out_by_hand():
    curve = recall_curve.compute_recall_curve(
        make_hits([1, 2, 6, None]), depth=6, bootstrap_samples=50, seed=1
    ).sort("k")
    assert curve["k"].to_list() == [1, 2, 3, 5, 6]
    assert curve["value"].to_list() == [0.25, 0.5, 0.5, 0.5, 0.75]
    assert curve["n_queries"].to_list() == curve["n_groups"].to_list() == [4] * 5
    assert (curve["ci_low"] <= curve["value"]).all() and (curve["value"] <= curve["ci_high"]).all()


def test_a_curve_of_equal_hits_has_an_interval():
    curve = recall_curve.compute_recall_curve(make_hits([1] * 10), depth=1, bootstrap_samples=50, seed=1)
    value, low, high = curve.select("value", "ci_low", "ci_high").row(0)
    assert (value, low, high) == pytest.approx((1, 0.722, 1), abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_a_curve_equals_the_recalls_of_the_metrics_table(seed):
    labels, splits = random_study.study(seed)
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(seed, len(labels), width=4))
    neighbours = pl.concat(
        search.search_protocol(splits, vectors_of, protocol=protocol, depth=15, exclude_same_group=True)
        for protocol in PROTOCOL_SPLITS
    )
    hits = query_scores.score_queries(
        [neighbours],
        labels,
        splits,
        protocols=PROTOCOL_SPLITS,
        exclude_same_group=True,
        ks=[1, 3, 10],
        depth=15,
    )
    curve = recall_curve.compute_recall_curve(
        hits.sample(fraction=1, shuffle=True, seed=seed), depth=15, bootstrap_samples=60, seed=5
    )
    RecallCurve.validate(curve)
    recalls = compute_metrics(hits, ks=[1, 3, 10], depth=15, bootstrap_samples=60, seed=5).filter(
        metric="recall", average="micro", query_subset="all", category="all", label="all"
    )
    both = recalls.join(curve, on=["protocol", "level", "k"], suffix="_curve", validate="1:1")
    assert len(both) == len(recalls) > 0
    for name in ("value", "ci_low", "ci_high", "n_queries", "n_groups"):
        assert both[f"{name}_curve"].to_list() == pytest.approx(both[name].to_list(), abs=1e-12)


def test_the_k_grid_ends_at_the_depth():
    assert recall_curve.k_grid(1) == [1]
    assert recall_curve.k_grid(100) == [1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100]
