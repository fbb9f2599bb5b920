"""The species that changed most, with intervals."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import significance_marks, theme

MAX_SHOWN_SPECIES = 15
"""Species in a panel, at most."""


@theme.styled
def plot_most_changed(differences: pl.DataFrame, *, base: str, trained: str, protocol: str, k: int) -> Figure:
    """A figure of two panels, improved and worsened species: each a point with its 95 % interval.

    Only species with enough queries to be ranked; ties by name. A panel without species says so.
    """
    species = significance_marks.add_significance(differences, protocol=protocol, k=k)
    if species.is_empty():
        raise significance_marks.empty_comparison_error(base, trained, protocol, k)
    ranked = species.filter("enough_queries")
    improved = ranked.filter(pl.col("diff_pp") > 0).sort("diff_pp", "label", descending=[True, False])
    worsened = ranked.filter(pl.col("diff_pp") < 0).sort("diff_pp", "label")
    heights = [min(max(len(part), 1), MAX_SHOWN_SPECIES) + 0.6 for part in (improved, worsened)]
    figure = theme.make_figure(1.15 + 0.145 * sum(heights))
    axes = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    _plot_panel(axes[0], improved, verb="improved", title="Most improved")
    _plot_panel(axes[1], worsened, verb="worsened", title="Most worsened")
    if improved.is_empty() and worsened.is_empty():
        axes[0].set_xlim(-100, 100)
    figure.suptitle(
        f"{theme.truncate(base)} → {theme.truncate(trained)}\n{theme.PROTOCOL_NAMES[protocol]}, "
        f"{len(ranked):,} of {theme.pluralise(len(species), 'species')} ranked",
        x=0.02,
        ha="left",
        fontsize=8,
    )
    figure.supxlabel(f"Change of species recall@{k} (percentage points)", fontsize=7.5)
    return figure


def _plot_panel(axis: Axes, species: pl.DataFrame, *, verb: str, title: str) -> None:
    shown = species.head(MAX_SHOWN_SPECIES)
    axis.tick_params(axis="y", length=0)
    if shown.is_empty():
        axis.set_title(title)
        axis.set_yticks([])
        axis.text(0.5, 0.5, f"No ranked species {verb}.", transform=axis.transAxes, ha="center", va="center")
        return
    axis.axvline(0, color=theme.TEXT, linewidth=0.8, zorder=1.5)
    for y, row in enumerate(shown.iter_rows(named=True)):
        _plot_row(axis, y, row)
    axis.set_yticks(
        range(len(shown)),
        [significance_marks.abbreviate_species(label) for label in shown["label"]],
        fontsize=6.5,
    )
    axis.set_ylim(len(shown) - 0.4, -0.6)
    axis.grid(True, axis="x")
    axis.set_title(f"{title}, {len(shown)} of {len(species):,}")
    axis.annotate("n", (1.11, 1.0), xycoords="axes fraction", ha="right", va="bottom", fontsize=6.5)


def _plot_row(axis: Axes, y: int, row: Mapping[str, Any]) -> None:
    marker, colour = significance_marks.MARK_STYLES[row["direction"]]
    if row["ci_low"] is not None:
        axis.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt")
    axis.scatter(
        [row["diff_pp"]], [y], s=16, marker=marker, color=colour, linewidths=0, zorder=3, clip_on=False
    )
    axis.annotate(
        f"{row['n_queries']:,}",
        (1.11, y),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="center",
        fontsize=6.5,
    )
