"""Figures of a base and a trained model: each mark shows its species."""

import warnings

import numpy as np
import polars as pl
import pytest
from matplotlib.collections import LineCollection

from nearkin.comparison.trend import fit_trend
from nearkin.figures import (
    improvement_by_training_size,
    most_changed,
    paired_recall,
    significance_marks,
    theme,
)
from tests.factories import results
from tests.factories.figures import scattered, texts

PAIR = {"base": "untrained", "trained": "lite0", "protocol": "leave_one_out", "k": 1}


def plot_with_curve(differences, **pair):
    """The improvement by training images, with the fitted curve."""
    return improvement_by_training_size.plot_improvement_by_training_size(
        differences, fit_trend(differences, bootstrap_samples=50, seed=1), **pair
    )


DRAW = [paired_recall.plot_paired_recall, plot_with_curve, most_changed.plot_most_changed]


@pytest.fixture(scope="module")
def differences():
    return results.study(60, bootstrap_samples=20)["differences"]["untrained", "lite0"]


def select_species(differences):
    rows = differences.filter(level="species", metric="recall", protocol="leave_one_out", k=1)
    return rows.filter(pl.col("label") != "all").sort("label")


@pytest.mark.parametrize("draw, columns", [(DRAW[0], ["base", "trained"]), (DRAW[1], ["n_train", "diff_pp"])])
def test_each_mark_is_a_species_of_its_category(differences, draw, columns):
    figure = draw(differences, **PAIR)
    for axis, name in zip(figure.axes, ["Bird", "Butterfly", "Fish"], strict=True):
        rows = select_species(differences).filter(category=name)
        assert axis.get_title(loc="left") == name
        np.testing.assert_allclose(scattered(axis), sorted(rows.select(columns).rows()))
        assert any(f"n = {len(rows)} species" in text for text in texts(axis))


def test_the_curve_and_its_slope_equal_the_table(differences):
    curves = fit_trend(differences, bootstrap_samples=50, seed=1).filter(protocol="leave_one_out", k=1)
    for axis, name in zip(
        plot_with_curve(differences, **PAIR).axes, ["Bird", "Butterfly", "Fish"], strict=True
    ):
        curve = curves.filter(category=name)
        line = axis.lines[-1].get_xydata()
        np.testing.assert_allclose(line, curve.select("n_train", "diff_pp").to_numpy())
        slope = f"{curve['per_doubling'][0]:+.1f}".replace("-", "−")
        assert axis.get_title(loc="right").startswith(f"{slope} points per doubling (")


def test_a_bar_is_the_interval_of_a_species_change(differences):
    figure = paired_recall.plot_paired_recall(differences, **PAIR)
    for axis, name in zip(figure.axes, ["Bird", "Butterfly", "Fish"], strict=True):
        (bars,) = [collection for collection in axis.collections if isinstance(collection, LineCollection)]
        segments = sorted((x, *sorted((low, high))) for (x, low), (_, high) in bars.get_segments())
        rows = select_species(differences).filter(pl.col("ci_low").is_not_null(), category=name)
        ends = [
            (base, base + low / 100, base + high / 100)
            for base, low, high in rows["base", "ci_low", "ci_high"].rows()
        ]
        np.testing.assert_allclose(segments, sorted(ends))


def test_significant_species_are_labelled_at_their_marks(differences):
    figure = paired_recall.plot_paired_recall(differences, **PAIR)
    significant = select_species(differences).filter(pl.col("p_holm") < 0.05)
    assert 2 < len(significant) <= paired_recall.MAX_NAMED_SPECIES
    expected = {
        significance_marks.abbreviate_species(label): (base, trained)
        for label, base, trained in significant["label", "base", "trained"].rows()
    }
    labels = {text.get_text(): text.xy for axis in figure.axes for text in axis.texts if text.arrow_patch}
    assert labels == expected


@pytest.mark.parametrize("positions", [[], [0.0], [1.0] * 12, [0.0] * 12, [0.1, 0.5, 0.52, 0.9]])
def test_labels_do_not_overlap_and_stay_next_to_the_panel(positions):
    heights = paired_recall.spread_labels(np.array(positions))
    assert (np.diff(heights) >= paired_recall.MIN_LABEL_DISTANCE - 1e-9).all()
    assert all(0 <= height <= 1 + 1e-9 for height in heights)


def test_the_forest_plot_sorts_the_most_changed_species(differences):
    ranked = select_species(differences).filter("enough_queries")
    axes = most_changed.plot_most_changed(differences, **PAIR).axes
    for axis, sign in zip(axes, (1, -1), strict=True):
        shown = ranked.filter(pl.col("diff_pp") * sign > 0)
        shown = shown.with_columns(size=sign * pl.col("diff_pp")).sort(
            "size", "label", descending=[True, False]
        )
        shown = shown.head(most_changed.MAX_SHOWN_SPECIES)
        assert [label.get_text() for label in axis.get_yticklabels()] == [
            significance_marks.abbreviate_species(label) for label in shown["label"]
        ]
        by_row = sorted((y, x) for x, y in scattered(axis))
        np.testing.assert_allclose(by_row, list(enumerate(shown["diff_pp"])) or np.empty((0,)))
        bars = [line.get_xydata() for line in axis.lines if len(set(line.get_ydata())) == 1]
        np.testing.assert_allclose(
            [bar[:, 0] for bar in bars], shown.select("ci_low", "ci_high").to_numpy().reshape(-1, 2)
        )
        counts = {text.xy[1]: text.get_text() for text in axis.texts if text.get_text().isdigit()}
        assert counts == {y: str(n) for y, n in enumerate(shown["n_queries"])}


def test_a_panel_without_species_has_a_note(differences):
    improved = differences.with_columns(pl.col("diff_pp").abs() + 1)
    assert "No ranked species worsened." in texts(most_changed.plot_most_changed(improved, **PAIR))
    unranked = differences.with_columns(enough_queries=False, p_holm=None)
    assert "No ranked species improved." in texts(most_changed.plot_most_changed(unranked, **PAIR))


@pytest.mark.parametrize("draw", DRAW)
def test_nothing_to_compare_is_an_error(differences, draw):
    with pytest.raises(ValueError, match="no species of untrained and lite0 to compare at k = 77"):
        draw(differences, **(PAIR | {"k": 77}))


@pytest.mark.parametrize("draw", DRAW)
def test_odd_tables_draw_without_a_warning(differences, draw, tmp_path):
    long_name = pl.lit("A very long name of a $genus_ ") + pl.col("label")
    first = select_species(differences).head(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for table in (
            differences.with_columns(
                label=pl.when(pl.col("label") == "all").then("label").otherwise(long_name)
            ),
            differences.with_columns(n_train=pl.lit(0, dtype=pl.Int64)),
            first,
            first.with_columns(diff_pp=0.0, base=1.0, trained=1.0, ci_low=None, ci_high=None),
            pl.concat(first.with_columns(category=pl.lit(f"Category {i}")) for i in range(7)),
        ):
            theme.save(draw(table, **PAIR), tmp_path / "a.svg", tmp_path / "a.png")
