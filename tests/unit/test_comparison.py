"""Paired comparisons: the sign-flip test, intervals, ranking, and what may not be compared."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from nearkin import comparison, scoring, searches
from nearkin.tables.scores import Differences
from tests.unit import drawn

KS = [1, 3]


def hits_of(seed, vectors_seed):
    labels, splits = drawn.study(seed)
    vectors_of = drawn.vectors_of(labels["uuid"], drawn.vectors(vectors_seed, len(labels), width=4))
    found = searches.find(splits, vectors_of, protocol="leave_one_out", depth=15, mask_groups=True)
    return (
        labels,
        splits,
        scoring.hits([found], labels, splits, masked=True, wanted=["leave_one_out"], ks=KS, depth=15),
    )


def compared(seed=1, **other):
    labels, splits, base = hits_of(seed, 1)
    *_, trained = hits_of(seed, 2)
    arguments = {"ks": KS, "min_queries": 4, "resamples": 200, "seed": 1} | other
    counts = comparison.training_counts(labels, splits)
    return base, trained, comparison.compare(base, trained, n_train=counts, **arguments)


def test_sign_flip_equals_all_flips():
    rng = np.random.default_rng(1)
    for _ in range(20):
        changes = rng.integers(-3, 4, size=9)
        sums = [abs(np.dot(signs, changes)) for signs in itertools.product([1, -1], repeat=9)]
        expected = np.mean(np.array(sums) >= abs(changes.sum()))
        assert comparison.sign_flip(changes) == pytest.approx(expected)


def test_sign_flip_of_single_images_is_mcnemars_exact_test():
    for worse, better in [(0, 5), (3, 9), (7, 7), (40, 55)]:
        changes = np.array([-1] * worse + [1] * better + [0] * 10)
        expected = stats.binomtest(better, worse + better).pvalue
        assert comparison.sign_flip(changes) == pytest.approx(expected)


def test_large_samples_meet_the_exact_test(monkeypatch):
    changes = np.array([-1] * 900 + [1] * 1000)
    exact = comparison.sign_flip(changes)
    monkeypatch.setattr(comparison, "EXACT_UP_TO", 10)
    assert comparison.sign_flip(changes) == pytest.approx(exact, rel=0.01)


def test_differences_are_those_of_the_hits():
    base, trained, table = compared()
    both = base.join(trained, on=["level", "uuid"], suffix="_trained")
    for row in table.filter(metric="recall").iter_rows(named=True):
        mine = both.filter(level=row["level"])
        if row["category"] != "all":
            mine = mine.filter(category=row["category"])
        if row["label"] != "all":
            mine = mine.filter(label=row["label"])
        before = (mine["first_hit"] <= row["k"]).fill_null(False).mean()
        after = (mine["first_hit_trained"] <= row["k"]).fill_null(False).mean()
        assert row["n_queries"] == len(mine)
        assert row["n_groups"] == mine["group_id"].n_unique()
        assert (row["base"], row["trained"]) == (pytest.approx(before), pytest.approx(after))
        assert row["points"] == pytest.approx(100 * (after - before))
        assert row["low"] is None or row["low"] - 1e-9 <= row["points"] <= row["high"] + 1e-9


def test_the_same_bits_in_every_run_and_for_any_order_of_rows():
    labels, splits, base = hits_of(1, 1)
    *_, trained = hits_of(1, 2)
    counts = comparison.training_counts(labels, splits)
    settings = {"n_train": counts, "ks": KS, "min_queries": 4, "resamples": 200, "seed": 1}
    key = Differences.primary_key()
    first = comparison.compare(base, trained, **settings).sort(key)
    for seed in range(5):
        shuffled = [hits.sample(fraction=1, shuffle=True, seed=seed) for hits in (base, trained)]
        assert comparison.compare(*shuffled, **settings).sort(key).equals(first)


def test_adjusted_p_values_equal_statsmodels():
    rng = np.random.default_rng(2)
    for n in (1, 2, 40):
        p_values = rng.random(n) ** 3
        assert comparison.holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    *_, table = compared(min_queries=4)
    ranked = table.filter("ranked", level="species", k=1)
    expected = multipletests(ranked["p_value"].to_numpy(), method="fdr_bh")[1]
    assert ranked["p_bh"].to_numpy() == pytest.approx(expected)
    assert (ranked["p_bh"] <= ranked["p_holm"] + 1e-12).all()


def test_only_labels_with_enough_queries_are_ranked():
    *_, table = compared(min_queries=4)
    ranked = table.filter("ranked")
    assert ranked["n_queries"].min() >= 4
    assert "all" not in ranked["label"]
    assert ranked["p_holm"].null_count() == 0
    assert (ranked["p_holm"] >= ranked["p_value"]).all()
    assert table.filter(~pl.col("ranked"))["p_holm"].null_count() == len(table.filter(~pl.col("ranked")))


def test_a_genus_is_the_mean_of_its_species():
    *_, table = compared()
    species = table.filter(pl.col("label") != "all", level="species", k=1)
    for row in table.filter(metric="genus_mean_of_species", k=1).iter_rows(named=True):
        mine = species.filter(pl.col("label").str.starts_with(row["label"] + " "), category=row["category"])
        assert row["points"] == pytest.approx(mine["points"].mean())
        assert row["n_queries"] == mine["n_queries"].sum()


def test_models_with_different_queries_are_not_compared():
    labels, splits, base = hits_of(1, 1)
    counts = comparison.training_counts(labels, splits)
    with pytest.raises(ValueError, match="did not answer the same queries: 1 only by the base"):
        comparison.compare(base, base[1:], n_train=counts, ks=KS, min_queries=4, resamples=100, seed=1)


def test_no_change_at_all():
    labels, splits, base = hits_of(1, 1)
    counts = comparison.training_counts(labels, splits)
    table = comparison.compare(base, base, n_train=counts, ks=KS, min_queries=4, resamples=100, seed=1)
    assert set(table["points"]) == {0.0}
    assert set(table["p_value"].drop_nulls()) == {1.0}


def test_few_changes_are_never_certain():
    n_rose = [0, 3, 5, 0, 6, 40]
    n_fell = [0, 0, 0, 2, 0, 0]
    n_groups = [40, 3, 5, 50, 50, 40]
    rose, fell, groups = map(np.array, (n_rose, n_fell, n_groups))
    points = 100 * (rose - fell) / groups
    given = {"points": points, "low": points - 1, "high": points + 1}
    given |= {"n_rose": rose, "n_fell": fell, "n_groups": groups}
    given["low"][5] = given["high"][5] = 100.0  # all rose alike: drawn anew, it is always the same
    found = comparison.widened(pl.DataFrame(given)).to_dicts()
    for few in found[:4]:
        assert few["low"] <= 0 <= few["high"] and few["low"] <= few["points"] <= few["high"]
    assert found[0]["high"] == -found[0]["low"] > 5
    assert (found[4]["low"], found[4]["high"]) == (11.0, 13.0)
    assert 80 < found[5]["low"] < found[5]["high"] == 100
