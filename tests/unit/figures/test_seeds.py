"""The figure of seed groups: each mark, bar and number is a row of the table."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from nearkin.comparison.seeds import summarise_seeds
from nearkin.figures import seeds as figure
from tests.factories.figures import texts
from tests.unit.comparison.test_all_pairs import score_hits

MODELS = {"base": ["base"], "tuned.gradient_exact.m2_0.25": ["first", "second"]}


@pytest.fixture(scope="module")
def table():
    hits = {name: score_hits(seed) for seed, name in enumerate(["base", "first", "second"], start=1)}
    bases = {"tuned.gradient_exact.m2_0.25": "base"}
    return summarise_seeds(hits, MODELS, bases=bases, ks=[1], bootstrap_samples=50, seed=1)


def test_marks_lines_and_bars_equal_the_table(table):
    seeds_figure = figure.plot_seeds(table, names=list(MODELS), k=1)
    rows_of_species = table.filter(level="species", category="all", k=1)
    for axis, measure in zip(seeds_figure.axes[:2], ["recall", "diff_pp"], strict=True):
        for y, name in enumerate(MODELS):
            rows = rows_of_species.filter(protocol="leave_one_out", config_name=name, metric=measure)
            marks = [mark.get_offsets() for mark in axis.collections if isinstance(mark, PathCollection)]
            positions = [x for offsets in marks for x, height in offsets if height == y]
            assert positions == pytest.approx(rows["mean"].to_list())
            lines = [line.get_xdata() for line in axis.lines if list(line.get_ydata()) == [y, y]]
            ends = [row for row in rows.select("ci_low", "ci_high").iter_rows()]
            if len(MODELS[name]) > 1:
                ends += rows.select("min", "max").iter_rows()
            assert sorted(map(tuple, np.round(lines, 9))) == sorted(map(tuple, np.round(ends, 9)))


def test_labels_show_seeds_and_panels_show_queries(table):
    labels = texts(figure.plot_seeds(table, names=list(MODELS), k=1))
    assert "tuned.gradient_exact.\nm2_0.25 × 2" in labels and "base" in labels
    n = table.filter(protocol="leave_one_out", level="species", category="all")["n_queries"][0]
    assert f"Leave one out, n = {n} queries" in labels


def test_nothing_to_draw_is_an_error(table):
    with pytest.raises(ValueError, match="no recall at k = 77 in the table of variants"):
        figure.plot_seeds(table, names=list(MODELS), k=77)
