"""Species as points whose area grows with the number of queries behind them."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import significance_marks, theme

SMALLEST, LARGEST = 3, 40
"""Areas of points, in square points."""


def plot_sized_points(axis: Axes, species: pl.DataFrame, *, x: str, y: str, max_queries: int) -> None:
    """Draw a point for each row of `add_significance`, at the columns `x` and `y`.

    The largest point stands for `max_queries` queries.
    """
    for direction, (marker, colour) in significance_marks.MARK_STYLES.items():
        some = species.filter(direction=direction)
        axis.scatter(
            some[x].to_numpy(),
            some[y].to_numpy(),
            s=_compute_areas(some["n_queries"], max_queries),
            marker=marker,
            color=colour,
            alpha=0.9 if direction else 0.45,
            linewidths=0,
            clip_on=False,
            zorder=3 if direction else 2,
        )


def add_size_legend(figure: Figure, axis: Axes, max_queries: int) -> None:
    """Explain the sizes of points, below everything else."""
    shown = sorted({1, max(1, round(max_queries / 4)), max_queries})
    handles = [
        axis.scatter([], [], s=area, color=theme.GREY, linewidths=0)
        for area in _compute_areas(shown, max_queries)
    ]
    labels = [theme.pluralise(n, "query") for n in shown]
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handletextpad=0.2, columnspacing=1.2)


def _compute_areas(n_queries: Sequence[int] | pl.Series, max_queries: int) -> np.ndarray:
    return SMALLEST + (LARGEST - SMALLEST) * np.asarray(n_queries, dtype=float) / max_queries
