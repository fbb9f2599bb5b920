"""Recall of two models, species by species: the base on x, the trained model on y."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from nearkin.figures import panels, significance_marks, sized_points, theme
from nearkin.tables.categories import category_titles, sort_categories

MAX_NAMED_SPECIES = 10
"""Names at the right of a panel, at most."""

MIN_LABEL_DISTANCE = 0.075
"""Between two names, in heights of the panel."""


@theme.styled
def plot_paired_recall(
    differences: pl.DataFrame, *, base: str, trained: str, protocol: str, k: int
) -> Figure:
    """A figure with a panel per category: each species a point, its area by its queries.

    A bar is the interval of the change: it crosses the diagonal where it contains 0. Species
    that changed beyond chance have another mark, and their names at the right.
    """
    species = significance_marks.add_significance(differences, protocol=protocol, k=k)
    if species.is_empty():
        raise significance_marks.empty_comparison_error(base, trained, protocol, k)
    titles = category_titles(sort_categories(species["category"].unique()))
    max_queries = max(species["n_queries"])
    title = f"Species recall@{k}, {theme.PROTOCOL_NAMES[protocol].lower()}"
    figure, axes = panels.make_panels(len(titles), title=title, height=2.05)
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        chosen = species.filter(category=name)
        _plot_panel(axis, chosen, max_queries)
        axis.set_title(theme.truncate(title))
        axis.set(xlabel=theme.truncate(base), ylabel=theme.truncate(trained))
    sized_points.add_size_legend(figure, axes[0], max_queries)
    return figure


def _plot_panel(axis: Axes, species: pl.DataFrame, max_queries: int) -> None:
    axis.plot([0, 1], [0, 1], color=theme.TEXT, linewidth=0.7, zorder=1.5)
    _plot_intervals(axis, species)
    sized_points.plot_sized_points(axis, species, x="base", y="trained", max_queries=max_queries)
    ticks = [0, 0.25, 0.5, 0.75, 1]
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xticks=ticks, yticks=ticks)
    axis.set_box_aspect(1)
    axis.grid(True)
    changed = species.filter(species["direction"] != 0)
    shown = changed.sort(changed["diff_pp"].abs(), "label", descending=[True, False])
    _plot_names(axis, shown.head(MAX_NAMED_SPECIES))
    axis.annotate(
        _format_note(species, changed), (1.06, 0), xycoords="axes fraction", fontsize=6.5, va="bottom"
    )


def _plot_intervals(axis: Axes, species: pl.DataFrame) -> None:
    """Draw the interval of each change, from the base; where species share a line, it is darker."""
    known = species.filter(pl.col("ci_low").is_not_null())
    low, high = (known["base"] + known[end] / 100 for end in ("ci_low", "ci_high"))
    axis.vlines(known["base"], low, high, color=theme.GREY, linewidth=0.6, alpha=0.3, zorder=1.7)


def _plot_names(axis: Axes, species: pl.DataFrame) -> None:
    """Write names at the right, each with a line to its point, from top to bottom as the points are."""
    species = species.sort("trained", "base", "label")
    heights = spread_labels(species["trained"].to_numpy())
    for height, row in zip(heights, species.iter_rows(named=True), strict=True):
        axis.annotate(
            significance_marks.abbreviate_species(row["label"]),
            (row["base"], row["trained"]),
            xytext=(1.06, height),
            textcoords="axes fraction",
            va="center",
            fontsize=6.5,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.4,
                "color": theme.GREY,
                "shrinkA": 1,
                "shrinkB": 2,
            },
        )


def spread_labels(heights: np.ndarray) -> np.ndarray:
    """Heights between 0 and 1 near the given ones (ascending), so far apart that names fit.

    >>> spread_labels(np.array([0.5, 0.5])).round(4).tolist()
    [0.4625, 0.5375]
    """
    steps = MIN_LABEL_DISTANCE * np.arange(len(heights))
    if not len(heights):
        return steps
    spread = isotonic_regression(heights - steps).x
    return np.clip(spread, 3 * MIN_LABEL_DISTANCE, 1 - steps[-1]) + steps


def _format_note(species: pl.DataFrame, changed: pl.DataFrame) -> str:
    """The note below the names."""
    n_improved, n_worsened = ((changed["direction"] == direction).sum() for direction in (1, -1))
    return f"n = {theme.pluralise(len(species), 'species')}\n▲ {n_improved}  ▼ {n_worsened} beyond chance"
