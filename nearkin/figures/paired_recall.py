"""Recall of two models, species by species: one across, the other up."""

import numpy as np
import polars as pl
from scipy.optimize import isotonic_regression

from nearkin.figures import panels, significance_marks, sized_points, theme
from nearkin.tables.categories import sort_categories, titled

NAMED = 10
"""Names beside a panel, at most."""

APART = 0.075
"""Between two names, in heights of the panel."""


@theme.styled
def scatter(differences, *, base, trained, protocol, k):
    """A figure with a panel per category: each species a point, its area by its queries.

    A bar is the interval of the change, so that it crosses the diagonal where it holds 0. Species
    that changed beyond chance have another mark, and their names at the right.
    """
    species = significance_marks.species(differences, protocol=protocol, k=k)
    if species.is_empty():
        raise significance_marks.none_compared(base, trained, protocol, k)
    titles = titled(sort_categories(species["category"].unique()))
    most = species["n_queries"].max()
    title = f"Species recall@{k}, {theme.PROTOCOL_NAMES[protocol].lower()}"
    figure, axes = panels.stacked(len(titles), title=title, height=2.05)
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        chosen = species.filter(category=name)
        _panel(axis, chosen, most)
        axis.set_title(theme.shown(title))
        axis.set(xlabel=theme.shown(base), ylabel=theme.shown(trained))
    sized_points.legend(figure, axes[0], most)
    return figure


def _panel(axis, species, most):
    axis.plot([0, 1], [0, 1], color=theme.INK, linewidth=0.7, zorder=1.5)
    _bars(axis, species)
    sized_points.points(axis, species, across="base", up="trained", most=most)
    ticks = [0, 0.25, 0.5, 0.75, 1]
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xticks=ticks, yticks=ticks)
    axis.set_box_aspect(1)
    axis.grid(True)
    changed = species.filter(species["turn"] != 0)
    shown = changed.sort(changed["points"].abs(), "label", descending=[True, False])
    _name(axis, shown.head(NAMED))
    axis.annotate(_said(species, changed), (1.06, 0), xycoords="axes fraction", fontsize=6.5, va="bottom")


def _bars(axis, species):
    """The interval of each change, counted from the base; where species share a line, it is darker."""
    known = species.filter(pl.col("low").is_not_null())
    ends = (known["base"] + known[end] / 100 for end in ("low", "high"))
    axis.vlines(known["base"], *ends, color=theme.QUIET, linewidth=0.6, alpha=0.3, zorder=1.7)


def _name(axis, species):
    """Names at the right, each with a line to its point, from top to bottom as the points are."""
    species = species.sort("trained", "base", "label")
    heights = apart(species["trained"].to_numpy())
    for height, row in zip(heights, species.iter_rows(named=True), strict=True):
        axis.annotate(
            significance_marks.named(row["label"]),
            (row["base"], row["trained"]),
            xytext=(1.06, height),
            textcoords="axes fraction",
            va="center",
            fontsize=6.5,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.4,
                "color": theme.QUIET,
                "shrinkA": 1,
                "shrinkB": 2,
            },
        )


def apart(wanted):
    """Heights between 0 and 1 near the `wanted` ones (ascending), so far apart that names fit.

    >>> apart(np.array([0.5, 0.5])).round(4).tolist()
    [0.4625, 0.5375]
    """
    steps = APART * np.arange(len(wanted))
    if not len(wanted):
        return steps
    placed = isotonic_regression(wanted - steps).x
    return np.clip(placed, 3 * APART, 1 - steps[-1]) + steps


def _said(species, changed):
    """What stands below the names."""
    rose, fell = ((changed["turn"] == turn).sum() for turn in (1, -1))
    return f"n = {theme.counted(len(species), 'species')}\n▲ {rose}  ▼ {fell} beyond chance"
