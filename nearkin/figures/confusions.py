"""Which genera are taken for which: a heat map in which genera that are confused are neighbours."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from nearkin.evaluation.confusions import select_errors
from nearkin.figures import theme
from nearkin.tables.categories import category_title

MAX_SHOWN_GENERA = 25
"""Genera in the figure, at most: more names would be too small to read."""

COLOUR_MAP = LinearSegmentedColormap.from_list(
    "shades", ["white", theme.COLOURS[5], theme.COLOURS[0], "#001F33"]
)
OWN = ["category", "label"]
OTHER = ["predicted_category", "predicted"]


@theme.styled
def plot_genus_confusions(confusions: pl.DataFrame, *, model: str) -> Figure:
    """A figure with a row and a column per genus: the share of a row's queries taken for the column.

    The protocol is leave one out. The diagonal, queries taken for their own genus, is left out: it
    would outshine the rest. Shown are the genera with the most confusions, in either direction; genera
    that are confused are neighbours.
    """
    genera = confusions.filter(level="genus", protocol="leave_one_out")
    wrong = select_errors(genera, level="genus")
    chosen = _select_most_confused(wrong)
    figure = theme.make_figure(1.6 if chosen.is_empty() else 2.2 + 0.1 * len(chosen))
    axis = figure.subplots()
    if chosen.is_empty():
        axis.set_axis_off()
        axis.text(0.5, 0.5, "No query is taken for another genus.", ha="center", va="center")
    else:
        share, counts = compute_shares(genera, chosen)
        order = compute_cluster_order(share)
        _plot_matrix(figure, axis, share[np.ix_(order, order)], counts[order], _format_names(chosen, order))
    title = f"{theme.truncate(model)}\n{_format_counts(genera, wrong, chosen)}"
    figure.suptitle(title, x=0.02, ha="left", fontsize=8)
    return figure


def _format_counts(genera: pl.DataFrame, wrong: pl.DataFrame, chosen: pl.DataFrame) -> str:
    """How many queries and genera there are, and how many of them the figure shows."""
    n_queries = sum(genera.select(*OWN, "n_queries").unique()["n_queries"])
    counts = f"{wrong['n'].sum():,} of {theme.pluralise(n_queries, 'query')} taken for another genus"
    if chosen.is_empty():
        return counts
    n_genera = pl.concat([genera.select(OWN), _rename_to_own(genera)]).n_unique()
    inside = wrong.join(chosen, on=OWN, how="semi").join(chosen, left_on=OTHER, right_on=OWN, how="semi")
    return f"{counts}\n{len(chosen)} of {n_genera:,} genera, {inside['n'].sum():,} of these confusions"


def _rename_to_own(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(category="predicted_category", label="predicted")


def _select_most_confused(wrong: pl.DataFrame) -> pl.DataFrame:
    """The genera (category, label) with the most confusions in either direction, ties by name."""
    both = pl.concat([wrong.select(*OWN, "n"), _rename_to_own(wrong).with_columns(wrong["n"])])
    summed = both.group_by(OWN).agg(pl.col("n").sum())
    return summed.sort("n", *OWN, descending=[True, False, False]).head(MAX_SHOWN_GENERA).select(OWN)


def compute_shares(genera: pl.DataFrame, chosen: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The share of each genus's queries taken for each other, (n, n), and its queries, (n,).

    The diagonal is NaN, and so is the row of a genus without queries.
    """
    own, other = chosen.with_row_index("row"), chosen.with_row_index("column")
    cells = genera.join(own, on=OWN).join(other, left_on=OTHER, right_on=OWN)
    share = np.zeros((len(chosen), len(chosen)))
    share[cells["row"], cells["column"]] = cells["n"] / cells["n_queries"]
    np.fill_diagonal(share, np.nan)
    queries = chosen.join(
        genera.select(*OWN, "n_queries").unique(), on=OWN, how="left", maintain_order="left"
    )
    counts = queries["n_queries"].fill_null(0).to_numpy()
    share[counts == 0] = np.nan
    return share, counts


def compute_cluster_order(share: np.ndarray) -> np.ndarray:
    """An order of rows in which those that are taken for each other are neighbours, (n,)."""
    known = np.nan_to_num(share)
    similarity = known + known.T
    distance = squareform(similarity.max() - similarity, checks=False)
    return hierarchy.leaves_list(hierarchy.linkage(distance, method="average", optimal_ordering=True))


def _format_names(chosen: pl.DataFrame, order: np.ndarray) -> list[str]:
    """Genera as they are printed, with their category where two share a name."""
    names = [
        theme.truncate(f"{label} ({category_title(category)})" if is_ambiguous else label)
        for (category, label), is_ambiguous in zip(
            chosen.rows(), chosen["label"].is_duplicated(), strict=True
        )
    ]
    return [names[i] for i in order]


def _plot_matrix(
    figure: Figure, axis: Axes, share: np.ndarray, counts: np.ndarray, names: Sequence[str]
) -> None:
    cells = axis.pcolormesh(share, cmap=COLOUR_MAP.with_extremes(bad=theme.LIGHT_GREY), vmin=0)
    ticks = np.arange(len(names)) + 0.5
    axis.set_xticks(ticks, names, rotation=90, fontsize=5.5)
    axis.set_yticks(ticks, names, fontsize=5.5)
    axis.set(xlabel="is taken for", aspect="equal")
    axis.invert_yaxis()
    axis.tick_params(length=0, pad=1)
    axis.spines[:].set_visible(False)
    for y, count in zip(ticks, counts, strict=True):
        axis.annotate(f"{count:,}", (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=5.5)
    axis.annotate("n", (1.01, 1.01), xycoords="axes fraction", va="bottom", fontsize=5.5)
    bar = figure.colorbar(
        cells,
        ax=axis,
        location="bottom",
        aspect=30,
        pad=0.02,
        format=lambda share, _: f"{100 * share:g} %",
    )
    bar.set_label("Share of the queries of a genus (row)", fontsize=7)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=6.5)
