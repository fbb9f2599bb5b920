"""The heat map of genera: each cell shows the share of its own row and column."""

import warnings

import numpy as np
import polars as pl
import pytest

from nearkin.figures import confusions, theme
from tests.factories import results
from tests.factories.figures import texts


def make_table(rows):
    """A `Confusions` table of genera from (genus, predicted genus, n)."""
    table = pl.DataFrame(rows, schema=["label", "predicted", "n"], orient="row")
    return table.with_columns(
        protocol=pl.lit("leave_one_out"),
        level=pl.lit("genus"),
        category=pl.lit("Fish"),
        predicted_category=pl.lit("Fish"),
        n_queries=pl.col("n").sum().over("label"),
    )


def read_shares(figure):
    """The plotted share of each (row, column), without the diagonal."""
    axis = figure.axes[0]
    rows, columns = (
        [label.get_text() for label in dimension.get_ticklabels()] for dimension in (axis.yaxis, axis.xaxis)
    )
    assert rows == columns
    cells = np.ma.filled(axis.collections[0].get_array(), np.nan)
    shares = {(a, b): cells[i, j] for i, a in enumerate(rows) for j, b in enumerate(columns)}
    return rows, {key: share for key, share in shares.items() if share > 0}


def test_shares_and_counts_worked_out_by_hand():
    table = make_table([("Aa", "Aa", 6), ("Aa", "Bb", 2), ("Bb", "Aa", 1), ("Cc", "Cc", 5), ("Aa", "Dd", 1)])
    figure = confusions.plot_genus_confusions(table, model="lite0")
    rows, shares = read_shares(figure)
    assert shares == {("Aa", "Bb"): 2 / 9, ("Bb", "Aa"): 1, ("Aa", "Dd"): 1 / 9}
    counts = [text.get_text() for text in figure.axes[0].texts if text.get_text() != "n"]
    assert dict(zip(rows, counts, strict=True)) == {"Aa": "9", "Bb": "1", "Dd": "0"}
    assert abs(rows.index("Aa") - rows.index("Bb")) == 1  # they are confused with each other
    message = "lite0\n4 of 15 queries taken for another genus\n3 of 4 genera, 4 of these confusions"
    assert message in texts(figure)


def test_equal_genus_names_in_two_categories_stay_separate():
    table = make_table([("Aa", "Aa", 2)]).with_columns(predicted_category=pl.lit("Bird"))
    rows, shares = read_shares(confusions.plot_genus_confusions(table, model="lite0"))
    assert set(rows) == {"Aa (Bird)", "Aa (Fish)"}
    assert shares == {("Aa (Fish)", "Aa (Bird)"): 1}


def test_many_genera_show_those_with_the_most_confusions():
    table = results.confused()
    rows, shares = read_shares(confusions.plot_genus_confusions(table, model="lite0"))
    assert len(rows) == confusions.MAX_SHOWN_GENERA
    wrong = table.filter(pl.col("label") != pl.col("predicted"), level="genus")
    both = pl.concat([wrong.select("label", "n"), wrong.select("n", label="predicted").select("label", "n")])
    totals = both.group_by("label").agg(pl.col("n").sum()).sort("n", "label", descending=[True, False])
    assert set(rows) == set(totals["label"].head(confusions.MAX_SHOWN_GENERA))
    expected = {(a, b): n / of for a, b, n, of in wrong["label", "predicted", "n", "n_queries"].rows()}
    assert shares == {key: expected[key] for key in expected if set(key) <= set(rows)}


@pytest.mark.parametrize(
    "rows",
    [
        [("Aa", "Aa", 3)],
        [("Aa", "Bb", 1)],
        [(f"Hub{i} $x$", f"a leaf with a name that is long {i} {j}", 2) for i in range(25) for j in range(2)],
    ],
)
def test_odd_tables_draw_without_a_warning(rows, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = confusions.plot_genus_confusions(make_table(rows), model="lite0")
        theme.save(figure, tmp_path / "a.svg", tmp_path / "a.png")
    assert (
        len(rows) > 1 or rows[0][0] != rows[0][1] or "No query is taken for another genus." in texts(figure)
    )


def test_a_table_without_queries_is_drawn():
    figure = confusions.plot_genus_confusions(make_table([("Aa", "Aa", 3)]).clear(), model="lite0")
    assert "lite0\n0 of 0 queries taken for another genus" in texts(figure)
