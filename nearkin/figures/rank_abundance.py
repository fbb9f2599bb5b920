"""Images per species, from the best represented one to the rarest."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from nearkin.figures import theme
from nearkin.tables.categories import category_titles


@theme.styled
def plot_rank_abundance(counts: pl.DataFrame, names: list[str]) -> Figure:
    """A figure with a line per category: each species a step, the most images first.

    `counts` is a table (category, species, n). The first six of `names` have colours; the
    others are grey and have no name in the legend.
    """
    figure = theme.make_figure(2.7)
    axis = figure.subplots()
    for number, (name, title) in enumerate(category_titles(names).items()):
        rank, n_images = _drop_inner_points(np.sort(counts.filter(category=name)["n"].to_numpy())[::-1])
        if not len(rank):
            continue
        has_name = number < len(theme.COLOURS)
        axis.plot(
            rank,
            n_images,
            color=theme.COLOURS[number] if has_name else theme.LIGHT_GREY,
            linestyle=theme.LINE_DASHES[number] if has_name else "-",
            linewidth=1.4 if has_name else 0.8,
            marker="o" if len(rank) == 1 else None,
            markersize=3,
            label=f"{theme.truncate(title)}, {theme.pluralise(rank[-1], 'species')}" if has_name else None,
            zorder=3 if has_name else 2,
        )
    axis.set(yscale="log", xlabel="Species, by number of images", ylabel="Images of the species")
    axis.set_ylim(bottom=0.8)
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.yaxis.set_minor_formatter("")
    axis.locator_params(axis="x", integer=True)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.grid(True)
    if axis.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper left", ncols=2, columnspacing=1.2, handlelength=2.4)
    return figure


def _drop_inner_points(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks from 1 and values, without the points inside a level stretch: the line stays the same.

    >>> [part.tolist() for part in _drop_inner_points(np.array([9, 2, 2, 2, 1]))]
    [[1, 2, 4, 5], [9, 2, 2, 1]]
    """
    before, after = (np.diff(values, prepend=np.nan) != 0), (np.diff(values, append=np.nan) != 0)
    (indices,) = np.nonzero(before | after)
    return indices + 1, values[indices]
