"""Species as points whose area grows with the number of queries behind them."""

import numpy as np

from nearkin.figures import significance_marks, theme

SMALLEST, LARGEST = 3, 40
"""Areas of points, in square points."""


def points(axis, species, *, across, up, most):
    """A point for each of `marks.species`; `most` is the largest number of queries in the figure."""
    for turn, (marker, colour) in significance_marks.LOOKS.items():
        some = species.filter(turn=turn)
        axis.scatter(
            some[across].to_numpy(),
            some[up].to_numpy(),
            s=_areas(some["n_queries"], most),
            marker=marker,
            color=colour,
            alpha=0.9 if turn else 0.45,
            linewidths=0,
            clip_on=False,
            zorder=3 if turn else 2,
        )


def legend(figure, axis, most):
    """Say what the sizes mean, below everything else."""
    shown = sorted({1, max(1, round(most / 4)), most})
    handles = [axis.scatter([], [], s=area, color=theme.QUIET, linewidths=0) for area in _areas(shown, most)]
    labels = [theme.counted(n, "query") for n in shown]
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handletextpad=0.2, columnspacing=1.2)


def _areas(n_queries, most):
    return SMALLEST + (LARGEST - SMALLEST) * np.asarray(n_queries, dtype=float) / most
