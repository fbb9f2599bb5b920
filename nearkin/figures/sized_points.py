"""Species as points whose area grows with the number of queries behind them."""

import numpy as np

from nearkin.figures import significance_marks, theme

SMALLEST, LARGEST = 3, 40
"""Areas of points, in square points."""


def plot_sized_points(axis, species, *, across, up, most):
    """Draw a point for each row of `add_significance`; `most` is the largest number of queries."""
    for turn, (marker, colour) in significance_marks.MARK_STYLES.items():
        some = species.filter(turn=turn)
        axis.scatter(
            some[across].to_numpy(),
            some[up].to_numpy(),
            s=_compute_areas(some["n_queries"], most),
            marker=marker,
            color=colour,
            alpha=0.9 if turn else 0.45,
            linewidths=0,
            clip_on=False,
            zorder=3 if turn else 2,
        )


def add_size_legend(figure, axis, most):
    """Say what the sizes mean, below everything else."""
    shown = sorted({1, max(1, round(most / 4)), most})
    handles = [
        axis.scatter([], [], s=area, color=theme.GREY, linewidths=0) for area in _compute_areas(shown, most)
    ]
    labels = [theme.pluralise(n, "query") for n in shown]
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handletextpad=0.2, columnspacing=1.2)


def _compute_areas(n_queries, most):
    return SMALLEST + (LARGEST - SMALLEST) * np.asarray(n_queries, dtype=float) / most
