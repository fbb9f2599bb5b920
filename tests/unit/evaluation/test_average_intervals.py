"""Intervals of averages come from resampled groups, and only groups with reachable queries count."""

import pytest

from nearkin.evaluation.averages import compute_metrics
from nearkin.evaluation.intervals import wilson
from tests.factories.scores import counted_hits


def compute_recall(hits, **scope):
    table = compute_metrics(hits, ks=[1], depth=5, bootstrap_samples=2000, seed=1)
    scope = {"metric": "recall", "average": "micro", "query_subset": "all", "label": "all"} | scope
    return table.filter(**scope).row(0, named=True)


def test_the_interval_resamples_groups_within_species():
    """Species that differ in recall give a narrower interval than as many queries of one species."""
    rows = [("Fish", "Aa x", f"x{i}", 3, 1 if i < 36 else None) for i in range(40)]
    rows += [("Fish", "Aa y", f"y{i}", 3, 1 if i < 4 else None) for i in range(40)]
    row = compute_recall(counted_hits(rows), category="all")
    assert row["value"] == 0.5
    # The variance of the mean of two species of recall 0.9 and 0.1, each of 40 groups.
    half = 1.96 * (2 * 0.25 * 0.9 * 0.1 / 39) ** 0.5
    assert row["ci_low"] == pytest.approx(0.5 - half, abs=0.01)
    assert row["ci_high"] == pytest.approx(0.5 + half, abs=0.01)
    low, high = (float(end) for end in wilson(0.5, 80))
    assert low + 0.03 < row["ci_low"] and row["ci_high"] < high - 0.03


def test_a_category_without_reachable_queries_has_no_value():
    rows = [("Bird", "Aa x", f"g{i}", 1, 1) for i in range(6)] + [("Fish", "Bb y", "h", 0, None)]
    row = compute_recall(counted_hits(rows), category="Fish", query_subset="reachable")
    assert (row["n_groups"], row["n_queries"], row["value"], row["null_reason"]) == (0, 0, None, "no queries")
