"""Every model against every other: how far the recall of one is above that of the other."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from nearkin.figures import theme
from nearkin.vocabulary import PROTOCOLS

COLOUR_MAP = LinearSegmentedColormap.from_list("shades", [theme.COLOURS[1], "white", theme.COLOURS[0]])
LEVEL = "species"


@theme.styled
def plot_all_pairs(pairwise: pl.DataFrame, *, models: Sequence[str], k: int) -> Figure:
    """A figure with a panel per protocol: a row's species recall@k less a column's, in percentage points.

    Bold numbers have an interval without 0. Raises ValueError if there is no pair of models.
    """
    chosen = pairwise.filter(level=LEVEL, k=k)
    protocols = [name for name in PROTOCOLS if name in set(chosen["protocol"])]
    if not protocols:
        raise ValueError(f"no two models to compare at k = {k}: name at least two in the config")
    width = max(theme.COLUMN_WIDTH, 1.3 + 0.42 * len(models))
    figure = theme.make_figure(0.9 + len(protocols) * (0.45 + 0.24 * len(models)), width=width)
    axes = figure.subplots(len(protocols), 1, squeeze=False, sharex=True)[:, 0]
    reach = max(*chosen["diff_pp"].abs(), 1.0)
    for axis, protocol in zip(axes, protocols, strict=True):
        _plot_panel(axis, chosen.filter(protocol=protocol), models, reach)
        n = chosen.filter(protocol=protocol)["n_queries"][0]
        axis.set_title(f"{theme.PROTOCOL_NAMES[protocol]}, n = {theme.pluralise(n, 'query')}")
    names = [theme.wrap(model, 14) for model in models]
    axes[-1].set_xticks(range(len(models)), names, rotation=45, ha="right", rotation_mode="anchor")
    figure.suptitle(f"Species recall@{k}: row less column, percentage points", x=0.02, ha="left", fontsize=8)
    return figure


def _plot_panel(axis: Axes, pairs: pl.DataFrame, models: Sequence[str], reach: float) -> None:
    index = {model: i for i, model in enumerate(models)}
    differences = np.full((len(models), len(models)), np.nan)
    for base, trained, difference in pairs.select("base", "trained", "diff_pp").iter_rows():
        differences[index[trained], index[base]] = difference
    axis.set_facecolor(theme.LIGHT_GREY)
    axis.imshow(differences, cmap=COLOUR_MAP, vmin=-reach, vmax=reach, aspect="auto")
    certain = (pl.col("ci_low") > 0) | (pl.col("ci_high") < 0)
    columns = pairs.select("base", "trained", "diff_pp", certain=certain)
    for base, trained, difference, is_certain in columns.iter_rows():
        axis.text(
            index[base],
            index[trained],
            f"{difference:+.1f}".replace("-", "−"),
            ha="center",
            va="center",
            fontsize=6.5,
            fontweight="bold" if is_certain else "normal",
            color=theme.TEXT if abs(difference) < 0.8 * reach else "white",
        )
    axis.set_yticks(range(len(models)), [theme.wrap(model, 16) for model in models])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
