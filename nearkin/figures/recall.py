"""Recall of every model in one figure: protocols, levels, intervals."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import theme
from nearkin.vocabulary import ALL, MAIN_LEVELS, PROTOCOLS

MARK_OFFSET = 0.2
"""Between the marks of one model, in rows."""


@theme.styled
def plot_recall(recalls: Mapping[str, pl.DataFrame], *, k: int) -> Figure:
    """A figure with a panel per protocol, a row per model and a mark per level.

    `recalls` maps model names to `Metrics` tables. Values are micro averages over all
    queries, with 95 % intervals; the number at the right of a row is its species recall.
    """
    values = _select_recalls(recalls, k)
    present = set(values["protocol"])
    protocols = [protocol for protocol in PROTOCOLS if protocol in present]
    if not protocols:
        raise ValueError(f"no recall at k = {k} in the tables of {', '.join(recalls)}: score it first")
    models = list(recalls)
    figure = theme.make_figure(0.85 + len(protocols) * (0.4 + 0.27 * len(models)))
    axes = figure.subplots(len(protocols), 1, squeeze=False, sharex=True)[:, 0]
    for axis, protocol in zip(axes, protocols, strict=True):
        _plot_panel(axis, values.filter(protocol=protocol), models)
        counts = values.filter(protocol=protocol)["n_queries"].unique().sort()
        n = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,}–{counts[-1]:,}"
        axis.set_title(f"{theme.PROTOCOL_NAMES[protocol]}, n = {n} queries")
    figure.supxlabel(f"Recall@{k} (any hit), micro average over all queries", fontsize=7.5)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=len(MAIN_LEVELS),
        handletextpad=0.3,
        columnspacing=1.2,
    )
    return figure


def _select_recalls(recalls: Mapping[str, pl.DataFrame], k: int) -> pl.DataFrame:
    """The overall recalls with their model: (model, protocol, level, value, low, high, n_queries)."""
    parts = [
        recall.filter(
            pl.col("level").is_in(MAIN_LEVELS),
            metric="recall",
            average="micro",
            query_subset="all",
            category=ALL,
            label=ALL,
            k=k,
        ).select("protocol", "level", "value", "ci_low", "ci_high", "n_queries", model=pl.lit(model))
        for model, recall in recalls.items()
    ]
    return pl.concat(parts).drop_nulls("value")


def _plot_panel(axis: Axes, values: pl.DataFrame, models: Sequence[str]) -> None:
    for i, level in enumerate(MAIN_LEVELS):
        for row, model in enumerate(models):
            for value, low, high in (
                values.filter(level=level, model=model).select("value", "ci_low", "ci_high").rows()
            ):
                y = row + (i - 1) * MARK_OFFSET
                colour = theme.LEVEL_COLOURS[level]
                if low is not None:
                    axis.plot([low, high], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt")
                axis.scatter(
                    [value],
                    [y],
                    s=13,
                    color=colour,
                    marker=theme.LEVEL_MARKERS[level],
                    linewidths=0,
                    zorder=3,
                    clip_on=False,
                    label=level if row == 0 else None,
                )
                if level == "species":
                    axis.annotate(
                        f"{value:.3f}",
                        (1.03, y),
                        xycoords=("axes fraction", "data"),
                        va="center",
                        fontsize=7,
                        color=theme.LEVEL_COLOURS["species"],
                    )
    axis.set_yticks(range(len(models)), [theme.wrap(model, 16) for model in models])
    axis.set(xlim=(0, 1), ylim=(len(models) - 0.45, -0.55))
    axis.tick_params(axis="y", length=0)
    axis.grid(True, axis="x")
