"""What training changed, label by label: box plots of the improvement by category."""

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from nearkin.figures import box_plots, theme
from nearkin.tables.categories import category_titles, sort_categories
from nearkin.vocabulary import ALL

METRICS = {"species": "recall", "genus": "genus_mean_of_species"}
MEASURES = {"species": "Species recall@{k}", "genus": "Genus mean of species recall@{k}"}


@theme.styled
def plot_improvement(
    differences: pl.DataFrame, *, level: str, base: str, trained: str, protocol: str, k: int
) -> Figure:
    """A figure with a box per category: each species (or genus) a point, in percentage points.

    Genera are means of the recalls of their species, as in the reference study.
    """
    chosen = differences.filter(level=level, metric=METRICS[level], protocol=protocol, k=k)
    chosen = chosen.filter(chosen["label"] != ALL)
    if chosen.is_empty():
        raise ValueError(
            f"no {level} of {base} and {trained} to compare at k = {k} for protocol {protocol!r}: "
            "is it in search.protocols, and has the test split any images?"
        )
    titles = category_titles(sort_categories(chosen["category"].unique()))
    figure = theme.make_figure(2.7, width=max(theme.COLUMN_WIDTH, 1.05 * len(titles)))
    axis = figure.subplots()
    axis.axhline(0, color=theme.TEXT, linewidth=0.8, zorder=1.5)
    values = {title: chosen.filter(category=name)["diff_pp"].to_list() for name, title in titles.items()}
    box_plots.plot_boxes(axis, values, colour=theme.COLOURS[0])
    for position, points in enumerate(values.values()):
        better, same, worse = _count_changes(points)
        axis.annotate(
            f"▲ {better}  = {same}  ▼ {worse}",
            (position, 1.0),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=6.5,
        )
    axis.set_ylabel("Improvement (percentage points)")
    title = f"{theme.truncate(base)} → {theme.truncate(trained)}"
    measure = f"{MEASURES[level].format(k=k)}, {theme.PROTOCOL_NAMES[protocol].lower()}"
    title = f"{title}\n{measure}, {theme.pluralise(len(chosen), level)}"
    figure.suptitle(title, x=0.02, ha="left", fontsize=8)
    return figure


def _count_changes(differences: Sequence[float]) -> tuple[int, int, int]:
    """How many improved, stayed the same and worsened."""
    return (
        sum(points > 0 for points in differences),
        sum(points == 0 for points in differences),
        sum(points < 0 for points in differences),
    )
