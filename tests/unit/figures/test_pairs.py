"""Figures of a base and a trained model: every mark stands for its species."""

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


def with_curve(differences, **pair):
    """The improvement beside the training images, with the curve fitted to it."""
    return improvement_by_training_size.plot_improvement_by_training_size(
        differences, fit_trend(differences, bootstrap_samples=50, seed=1), **pair
    )


DRAW = [paired_recall.plot_paired_recall, with_curve, most_changed.plot_most_changed]


@pytest.fixture(scope="module")
def made():
    return results.study(60, bootstrap_samples=20)["differences"]["untrained", "lite0"]


def species_of(differences):
    chosen = differences.filter(level="species", metric="recall", protocol="leave_one_out", k=1)
    return chosen.filter(pl.col("label") != "all").sort("label")


@pytest.mark.parametrize("draw, columns", [(DRAW[0], ["base", "trained"]), (DRAW[1], ["n_train", "diff_pp"])])
def test_each_point_is_a_species_of_its_category(made, draw, columns):
    figure = draw(made, **PAIR)
    for axis, name in zip(figure.axes, ["Bird", "Butterfly", "Fish"], strict=True):
        chosen = species_of(made).filter(category=name)
        assert axis.get_title(loc="left") == name
        np.testing.assert_allclose(scattered(axis), sorted(chosen.select(columns).rows()))
        assert any(f"n = {len(chosen)} species" in text for text in texts(axis))


def test_the_curve_and_its_slope_are_those_of_the_table(made):
    curves = fit_trend(made, bootstrap_samples=50, seed=1).filter(protocol="leave_one_out", k=1)
    for axis, name in zip(with_curve(made, **PAIR).axes, ["Bird", "Butterfly", "Fish"], strict=True):
        curve = curves.filter(category=name)
        drawn = axis.lines[-1].get_xydata()
        np.testing.assert_allclose(drawn, curve.select("n_train", "diff_pp").to_numpy())
        slope = f"{curve['per_doubling'][0]:+.1f}".replace("-", "−")
        assert axis.get_title(loc="right").startswith(f"{slope} points per doubling (")


def test_a_bar_is_the_interval_of_a_species_change(made):
    figure = paired_recall.plot_paired_recall(made, **PAIR)
    for axis, name in zip(figure.axes, ["Bird", "Butterfly", "Fish"], strict=True):
        (bars,) = [one for one in axis.collections if isinstance(one, LineCollection)]
        drawn = sorted((x, *sorted((low, high))) for (x, low), (_, high) in bars.get_segments())
        chosen = species_of(made).filter(pl.col("ci_low").is_not_null(), category=name)
        ends = [
            (base, base + low / 100, base + high / 100)
            for base, low, high in chosen["base", "ci_low", "ci_high"].rows()
        ]
        np.testing.assert_allclose(drawn, sorted(ends))


def test_species_beyond_chance_are_named_at_their_points(made):
    figure = paired_recall.plot_paired_recall(made, **PAIR)
    certain = species_of(made).filter(pl.col("p_holm") < 0.05)
    assert 2 < len(certain) <= paired_recall.MAX_NAMED_SPECIES
    points = {
        significance_marks.abbreviate_species(label): (base, trained)
        for label, base, trained in certain["label", "base", "trained"].rows()
    }
    named = {text.get_text(): text.xy for axis in figure.axes for text in axis.texts if text.arrow_patch}
    assert named == points


@pytest.mark.parametrize("wanted", [[], [0.0], [1.0] * 12, [0.0] * 12, [0.1, 0.5, 0.52, 0.9]])
def test_names_do_not_overlap_and_stay_beside_the_panel(wanted):
    heights = paired_recall.spread_labels(np.array(wanted))
    assert (np.diff(heights) >= paired_recall.MIN_LABEL_DISTANCE - 1e-9).all()
    assert all(0 <= height <= 1 + 1e-9 for height in heights)


def test_the_forest_holds_the_most_changed_ranked_species_in_order(made):
    ranked = species_of(made).filter("enough_queries")
    axes = most_changed.plot_most_changed(made, **PAIR).axes
    for axis, sign in zip(axes, (1, -1), strict=True):
        some = ranked.filter(pl.col("diff_pp") * sign > 0)
        some = some.with_columns(size=sign * pl.col("diff_pp")).sort(
            "size", "label", descending=[True, False]
        )
        some = some.head(most_changed.MAX_SHOWN_SPECIES)
        assert [label.get_text() for label in axis.get_yticklabels()] == [
            significance_marks.abbreviate_species(label) for label in some["label"]
        ]
        by_row = sorted((y, x) for x, y in scattered(axis))
        np.testing.assert_allclose(by_row, list(enumerate(some["diff_pp"])) or np.empty((0,)))
        bars = [line.get_xydata() for line in axis.lines if len(set(line.get_ydata())) == 1]
        np.testing.assert_allclose(
            [bar[:, 0] for bar in bars], some.select("ci_low", "ci_high").to_numpy().reshape(-1, 2)
        )
        counts = {text.xy[1]: text.get_text() for text in axis.texts if text.get_text().isdigit()}
        assert counts == {y: str(n) for y, n in enumerate(some["n_queries"])}


def test_a_panel_without_species_says_so(made):
    rose = made.with_columns(pl.col("diff_pp").abs() + 1)
    assert "No ranked species worsened." in texts(most_changed.plot_most_changed(rose, **PAIR))
    nobody = made.with_columns(enough_queries=False, p_holm=None)
    assert "No ranked species improved." in texts(most_changed.plot_most_changed(nobody, **PAIR))


@pytest.mark.parametrize("draw", DRAW)
def test_nothing_to_compare_is_an_error(made, draw):
    with pytest.raises(ValueError, match="no species of untrained and lite0 to compare at k = 77"):
        draw(made, **(PAIR | {"k": 77}))


@pytest.mark.parametrize("draw", DRAW)
def test_odd_tables_draw_without_a_warning(made, draw, tmp_path):
    long = pl.lit("A very long name of a $genus_ ") + pl.col("label")
    one = species_of(made).head(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for table in (
            made.with_columns(label=pl.when(pl.col("label") == "all").then("label").otherwise(long)),
            made.with_columns(n_train=pl.lit(0, dtype=pl.Int64)),
            one,
            one.with_columns(diff_pp=0.0, base=1.0, trained=1.0, ci_low=None, ci_high=None),
            pl.concat(one.with_columns(category=pl.lit(f"Category {i}")) for i in range(7)),
        ):
            theme.save(draw(table, **PAIR), tmp_path / "a.svg", tmp_path / "a.png")
