"""Recall over all queries next to recall over the queries that could hit."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.evaluation.averages import QUERY_SUBSETS
from nearkin.figures import theme
from nearkin.vocabulary import ALL, PROTOCOLS

MARK_OFFSET = 0.16
"""Of a mark from the middle of its row, in rows."""


@theme.styled
def plot_reachable(recalls: Mapping[str, pl.DataFrame], *, k: int) -> Figure:
    """A figure with a panel per protocol and a row per model: filled for all queries, hollow for reachable.

    `recalls` maps model names to `Metrics` tables. Marks are species recalls, micro averages, with
    95 % intervals; both values are at the right. The title says how many queries cannot hit.
    """
    values = _select_recalls(recalls, k)
    present = set(values["protocol"])
    protocols = [protocol for protocol in PROTOCOLS if protocol in present]
    if not protocols:
        raise ValueError(f"no recall at k = {k} in the tables of {', '.join(recalls)}: score it first")
    models = list(recalls)
    figure = theme.make_figure(0.75 + len(protocols) * (0.5 + 0.27 * len(models)))
    axes = figure.subplots(len(protocols), 1, squeeze=False, sharex=True)[:, 0]
    for axis, protocol in zip(axes, protocols, strict=True):
        _plot_panel(axis, values.filter(protocol=protocol), models)
        axis.set_title(theme.PROTOCOL_NAMES[protocol], pad=14)
        note = _format_unreachable(values.filter(protocol=protocol))
        axis.annotate(
            note, (0, 1), xytext=(0, 4), xycoords="axes fraction", textcoords="offset points", fontsize=7
        )
    figure.supxlabel(f"Species recall@{k} (any hit), micro average", fontsize=7.5)
    marks = {mark.get_label(): mark for axis in axes for mark in axis.get_legend_handles_labels()[0]}
    figure.legend(
        marks.values(), marks, loc="outside upper left", ncols=2, handletextpad=0.3, columnspacing=1.2
    )
    return figure


def _select_recalls(recalls: Mapping[str, pl.DataFrame], k: int) -> pl.DataFrame:
    """The overall species recalls of both query subsets, with their model."""
    parts = [
        recall.filter(level="species", metric="recall", average="micro", category=ALL, label=ALL, k=k).select(
            "protocol",
            "query_subset",
            "value",
            "ci_low",
            "ci_high",
            "n_queries",
            "n_unreachable",
            model=pl.lit(model),
        )
        for model, recall in recalls.items()
    ]
    return pl.concat(parts)


def _format_unreachable(values: pl.DataFrame) -> str:
    """How many queries cannot hit, in the words of a panel."""
    n_unreachable, n_queries = values.filter(query_subset=ALL).select("n_unreachable", "n_queries").row(0)
    share = f"{100 * n_unreachable / n_queries:.1f} %"
    return f"{n_unreachable:,} of {theme.pluralise(n_queries, 'query')} unreachable ({share})"


def _plot_panel(axis: Axes, values: pl.DataFrame, models: Sequence[str]) -> None:
    for y, model in enumerate(models):
        texts = []
        for query_subset in QUERY_SUBSETS:
            (row,) = values.filter(model=model, query_subset=query_subset).to_dicts()
            texts.append("–" if row["value"] is None else f"{row['value']:.3f}")
            if row["value"] is not None:
                _plot_mark(axis, y, row, name=query_subset if y == 0 else None)
        axis.annotate(
            "  ".join(texts), (1.03, y), xycoords=("axes fraction", "data"), va="center", fontsize=6.5
        )
    axis.set_yticks(range(len(models)), [theme.wrap(model, 16) for model in models])
    axis.set(xlim=(0, 1), ylim=(len(models) - 0.45, -0.55))
    axis.tick_params(axis="y", length=0)
    axis.grid(True, axis="x")


def _plot_mark(axis: Axes, y: float, row: Mapping[str, Any], *, name: str | None) -> None:
    is_reachable = row["query_subset"] != ALL
    y += MARK_OFFSET if is_reachable else -MARK_OFFSET
    colour = theme.COLOURS[0] if is_reachable else theme.LEVEL_COLOURS["species"]
    axis.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt")
    axis.scatter(
        [row["value"]],
        [y],
        s=15,
        marker="o",
        facecolors="white" if is_reachable else colour,
        edgecolors=colour,
        linewidths=0.9,
        zorder=3,
        clip_on=False,
        label=name and f"{name} queries",
    )
