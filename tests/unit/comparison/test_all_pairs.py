"""Every model compared with every other: the same numbers as the comparison of each pair."""

import polars as pl
import pytest

from nearkin.comparison import paired
from nearkin.comparison.all_pairs import compare_all_pairs
from nearkin.evaluation import query_scores
from nearkin.search import search
from nearkin.tables.scores import Pairwise
from tests.factories import random_study


def score_hits(vectors_seed):
    labels, splits = random_study.study(1)
    vectors_of = random_study.vectors_of(
        labels["uuid"], random_study.vectors(vectors_seed, len(labels), width=4)
    )
    neighbours = search.search_protocol(
        splits, vectors_of, protocol="leave_one_out", depth=15, exclude_same_group=True
    )
    return query_scores.score_queries(
        [neighbours],
        labels,
        splits,
        exclude_same_group=True,
        protocols=["leave_one_out"],
        ks=[1, 3],
        depth=15,
    )


def test_each_pair_equals_its_own_comparison():
    hits = {name: score_hits(seed) for seed, name in enumerate("abc", start=1)}
    table = compare_all_pairs(hits, k=3, bootstrap_samples=200, seed=1)
    Pairwise.validate(table.select(Pairwise.column_names()))
    assert len(table) == 3 * 6  # levels, ordered pairs
    labels, splits = random_study.study(1)
    counts = paired.count_training_images(labels, splits)
    settings = {"n_train": counts, "ks": [3], "min_queries": 4, "bootstrap_samples": 200, "seed": 1}
    pair_table = paired.compare_models(hits["a"], hits["c"], **settings)
    for level in ("category", "genus", "species"):
        row = table.filter(level=level, base="a", trained="c").row(0, named=True)
        expected = pair_table.filter(level=level, category="all", label="all", metric="recall").row(
            0, named=True
        )
        assert (row["base_recall"], row["trained_recall"]) == (expected["base"], expected["trained"])
        for name in ("diff_pp", "ci_low", "ci_high", "p_value", "n_queries", "n_groups"):
            assert row[name] == pytest.approx(expected[name]), name
        reverse = table.filter(level=level, base="c", trained="a").row(0, named=True)
        assert (reverse["diff_pp"], reverse["ci_low"], reverse["ci_high"]) == pytest.approx(
            (-row["diff_pp"], -row["ci_high"], -row["ci_low"])
        )


def test_models_with_other_queries_are_refused():
    hits = score_hits(1)
    with pytest.raises(ValueError, match="did not answer the same queries"):
        compare_all_pairs(
            {"a": hits, "b": hits.filter(pl.col("level") != "genus")}, k=1, bootstrap_samples=100, seed=1
        )
