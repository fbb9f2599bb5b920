"""The curve of improvement by training images: by hand, against statsmodels, and where there is none."""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from nearkin.comparison.trend import fit_trend
from nearkin.tables.trend import Trend
from nearkin.vocabulary import MIN_LABELS

HOW = {"bootstrap_samples": 400, "seed": 1}


def differences(n_train, points, n_queries, *, category="Fish", protocol="leave_one_out"):
    """Species as `trend` needs them, and a row over all of them that it must leave out."""
    n = len(n_train)
    rows = pl.DataFrame(
        {
            "label": [f"Aus species{i:05}" for i in range(n)],
            "n_train": n_train,
            "diff_pp": np.asarray(points, dtype=float),
            "n_queries": n_queries,
        }
    )
    everyone = rows.head(1).with_columns(label=pl.lit("all"), diff_pp=pl.lit(1e6))
    key = {"protocol": protocol, "level": "species", "metric": "recall", "category": category}
    return pl.concat([rows, everyone]).with_columns(
        *(pl.lit(value).alias(name) for name, value in key.items()), k=pl.lit(1, dtype=pl.Int32)
    )


def table_of(found):
    made = fit_trend(found, **HOW)
    Trend.validate(made.select(Trend.column_names()))
    return made


def test_species_on_a_line_give_that_line_without_doubt():
    n_train = [0, 1, 3, 7, 15, 31]
    made = table_of(differences(n_train, [10, 13, 16, 19, 22, 25], [1, 9, 2, 5, 3, 1]))
    (fish, everyone) = (made.filter(category=name).sort("n_train") for name in ("Fish", "all"))
    for one in (fish, everyone):
        assert one["per_doubling"].unique().to_list() == pytest.approx([3.0])
        assert one["diff_pp"].to_list() == pytest.approx([10 + 3 * np.log2(1 + n) for n in one["n_train"]])
        assert (one["ci_high"] - one["ci_low"]).max() == pytest.approx(0, abs=1e-9)
        assert (one["n_species"][0], one["n_queries"][0]) == (6, 21)
    assert fish["n_train"].min() == 0 and fish["n_train"].max() == 31


def test_it_is_weighted_least_squares():
    rng = np.random.default_rng(2)
    n_train, points = rng.integers(0, 60, 40), rng.normal(5, 20, 40)
    queries = rng.integers(1, 12, 40)
    made = table_of(differences(n_train, points, queries)).filter(category="Fish")
    fit = sm.WLS(points, sm.add_constant(np.log2(1 + n_train)), weights=queries).fit()
    assert made["per_doubling"][0] == pytest.approx(fit.params[1])
    expected = fit.params[0] + fit.params[1] * np.log2(1 + made["n_train"].to_numpy())
    assert made["diff_pp"].to_list() == pytest.approx(expected.tolist())


def test_the_interval_of_the_slope_covers_the_truth():
    """In 182 to 196 of 200 studies; changes of a species scatter the more the fewer its queries."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(200):
        n_train, queries = rng.integers(1, 80, 40), rng.integers(1, 12, 40)
        points = 2 + 1.5 * np.log2(1 + n_train) + rng.normal(0, 40, 40) / np.sqrt(queries)
        row = fit_trend(differences(n_train, points, queries), **HOW).row(0, named=True)
        held += row["per_doubling_ci_low"] <= 1.5 <= row["per_doubling_ci_high"]
    assert 182 <= held <= 196


@pytest.mark.parametrize(
    ("n_train", "protocol"),
    [(range(MIN_LABELS - 1), "leave_one_out"), ([4] * 20, "leave_one_out"), (range(20), "unseen_species")],
)
def test_where_nothing_can_be_fitted_there_are_no_rows(n_train, protocol):
    n = len(n_train)
    assert table_of(differences(list(n_train), range(n), [2] * n, protocol=protocol)).is_empty()


def test_the_order_of_species_changes_no_bit():
    rng = np.random.default_rng(4)
    found = differences(rng.integers(0, 60, 40), rng.normal(5, 20, 40), rng.integers(1, 12, 40))
    assert table_of(found).equals(table_of(found.reverse()))
