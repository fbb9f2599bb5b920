"""Images per species, from the best represented one to the rarest."""

import numpy as np
from matplotlib.ticker import LogLocator

from nearkin.figures import theme
from nearkin.tables.categories import category_titles


@theme.styled
def plot_rank_abundance(counts, names):
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
        named = number < len(theme.COLOURS)
        axis.plot(
            rank,
            n_images,
            color=theme.COLOURS[number] if named else theme.LIGHT_GREY,
            linestyle=theme.LINE_DASHES[number] if named else "-",
            linewidth=1.4 if named else 0.8,
            marker="o" if len(rank) == 1 else None,
            markersize=3,
            label=f"{theme.truncate(title)}, {theme.pluralise(rank[-1], 'species')}" if named else None,
            zorder=3 if named else 2,
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


def _drop_inner_points(values):
    """Ranks from 1 and values, without the points inside a level stretch: no other line is drawn.

    >>> [part.tolist() for part in _drop_inner_points(np.array([9, 2, 2, 2, 1]))]
    [[1, 2, 4, 5], [9, 2, 2, 1]]
    """
    before, after = (np.diff(values, prepend=np.nan) != 0), (np.diff(values, append=np.nan) != 0)
    (kept,) = np.nonzero(before | after)
    return kept + 1, values[kept]
