"""Panels of one kind in one figure: a category each."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import theme


def make_panels(n: int, *, title: str, height: float = 1.5) -> tuple[Figure, np.ndarray]:
    """A figure and its `n` axes, (n,), below one another; in two columns if there are more than four.

    `height` is that of a panel, in inches.
    """
    n_columns = 1 if n <= 4 else 2
    n_rows = -(-n // n_columns)
    figure = theme.make_figure(0.65 + height * n_rows, width=theme.COLUMN_WIDTH * n_columns)
    figure.suptitle(title, x=0.02, ha="left", fontsize=8)
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for unused in axes[n:]:
        unused.remove()
    return figure, axes[:n]


def set_title(axis: Axes, name: str, note: str) -> None:
    """Name a panel, with a note at its right."""
    axis.set_title(theme.truncate(name))
    axis.set_title(note, loc="right", fontweight="normal", fontsize=7)
