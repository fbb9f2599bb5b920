"""The curve of improvement by training images: by hand, compared with statsmodels, and without a fit."""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from nearkin.comparison.trend import fit_trend
from nearkin.tables.trend import Trend
from nearkin.vocabulary import MIN_LABELS

SETTINGS = {"bootstrap_samples": 400, "seed": 1}


def make_differences(n_train, diff_pp, n_queries, *, category="Fish", protocol="leave_one_out"):
    """Species as `fit_trend` needs them, and a row of all species that it must ignore."""
    n = len(n_train)
    rows = pl.DataFrame(
        {
            "label": [f"Aus species{i:05}" for i in range(n)],
            "n_train": n_train,
            "diff_pp": np.asarray(diff_pp, dtype=float),
            "n_queries": n_queries,
        }
    )
    overall = rows.head(1).with_columns(label=pl.lit("all"), diff_pp=pl.lit(1e6))
    key = {"protocol": protocol, "level": "species", "metric": "recall", "category": category}
    return pl.concat([rows, overall]).with_columns(
        *(pl.lit(value).alias(name) for name, value in key.items()), k=pl.lit(1, dtype=pl.Int32)
    )


def fit_table(changes):
    trend = fit_trend(changes, **SETTINGS)
    Trend.validate(trend.select(Trend.column_names()))
    return trend


def test_species_on_a_line_give_that_line_without_error():
    n_train = [0, 1, 3, 7, 15, 31]
    trend = fit_table(make_differences(n_train, [10, 13, 16, 19, 22, 25], [1, 9, 2, 5, 3, 1]))
    (fish, overall) = (trend.filter(category=name).sort("n_train") for name in ("Fish", "all"))
    for curve in (fish, overall):
        assert curve["per_doubling"].unique().to_list() == pytest.approx([3.0])
        assert curve["diff_pp"].to_list() == pytest.approx(
            [10 + 3 * np.log2(1 + n) for n in curve["n_train"]]
        )
        assert (curve["ci_high"] - curve["ci_low"]).max() == pytest.approx(0, abs=1e-9)
        assert (curve["n_species"][0], curve["n_queries"][0]) == (6, 21)
    assert fish["n_train"].min() == 0 and fish["n_train"].max() == 31


def test_the_fit_is_weighted_least_squares():
    rng = np.random.default_rng(2)
    n_train, diff_pp = rng.integers(0, 60, 40), rng.normal(5, 20, 40)
    queries = rng.integers(1, 12, 40)
    trend = fit_table(make_differences(n_train, diff_pp, queries)).filter(category="Fish")
    fit = sm.WLS(diff_pp, sm.add_constant(np.log2(1 + n_train)), weights=queries).fit()
    assert trend["per_doubling"][0] == pytest.approx(fit.params[1])
    expected = fit.params[0] + fit.params[1] * np.log2(1 + trend["n_train"].to_numpy())
    assert trend["diff_pp"].to_list() == pytest.approx(expected.tolist())


def test_the_interval_of_the_slope_covers_the_truth():
    """In 182 to 196 of 200 studies; changes of a species scatter the more the fewer its queries."""
    rng, n_covered = np.random.default_rng(3), 0
    for _ in range(200):
        n_train, queries = rng.integers(1, 80, 40), rng.integers(1, 12, 40)
        diff_pp = 2 + 1.5 * np.log2(1 + n_train) + rng.normal(0, 40, 40) / np.sqrt(queries)
        row = fit_trend(make_differences(n_train, diff_pp, queries), **SETTINGS).row(0, named=True)
        n_covered += row["per_doubling_ci_low"] <= 1.5 <= row["per_doubling_ci_high"]
    assert 182 <= n_covered <= 196


@pytest.mark.parametrize(
    ("n_train", "protocol"),
    [(range(MIN_LABELS - 1), "leave_one_out"), ([4] * 20, "leave_one_out"), (range(20), "unseen_species")],
)
def test_without_a_fit_there_are_no_rows(n_train, protocol):
    n = len(n_train)
    assert fit_table(make_differences(list(n_train), range(n), [2] * n, protocol=protocol)).is_empty()


def test_the_order_of_species_changes_no_bit():
    rng = np.random.default_rng(4)
    changes = make_differences(rng.integers(0, 60, 40), rng.normal(5, 20, 40), rng.integers(1, 12, 40))
    assert fit_table(changes).equals(fit_table(changes.reverse()))
