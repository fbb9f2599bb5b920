"""The matrix of models: each number in its cell, bold if its interval excludes zero."""

import polars as pl
import pytest

from nearkin.figures import all_pairs

MODELS = ["a", "b"]


def make_table():
    rows = [("a", "b", 12.0, 4.0, 20.0), ("b", "a", -12.0, -20.0, -4.0)]
    pairs = pl.DataFrame(rows, schema=["base", "trained", "diff_pp", "ci_low", "ci_high"], orient="row")
    constants = {
        "protocol": pl.lit("train_gallery"),
        "level": pl.lit("species"),
        "k": pl.lit(1),
        "n_queries": pl.lit(7),
    }
    return pairs.with_columns(**constants)


def test_a_cell_shows_its_row_minus_its_column():
    figure = all_pairs.plot_all_pairs(make_table(), models=MODELS, k=1)
    (axis,) = figure.axes
    cells = {text.get_position(): text for text in axis.texts}
    assert cells[0, 1].get_text() == "+12.0"  # column a, row b: b less a
    assert cells[1, 0].get_text() == "−12.0"
    assert {text.get_fontweight() for text in axis.texts} == {"bold"}
    assert "n = 7 queries" in axis.get_title(loc="left")


def test_uncertain_differences_are_not_bold():
    uncertain = make_table().with_columns(ci_low=pl.lit(-30.0), ci_high=pl.lit(30.0))
    (axis,) = all_pairs.plot_all_pairs(uncertain, models=MODELS, k=1).axes
    assert {text.get_fontweight() for text in axis.texts} == {"normal"}


def test_nothing_to_compare_is_an_error():
    with pytest.raises(ValueError, match="no two models to compare at k = 5"):
        all_pairs.plot_all_pairs(make_table(), models=MODELS, k=5)
