"""What a split that ignores groups would have done to the recall, in one figure."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import theme

ROWS = [
    ("grouped", "all", "Grouped split"),
    ("random", "all", "Random split"),
    ("random_masked", "all", "same, group hidden"),
    ("random", "same_group_in_gallery", "Random, group in gallery"),
    ("random_masked", "same_group_in_gallery", "same, group hidden"),
    ("random", "no_same_group_in_gallery", "Random, group elsewhere"),
]
"""(split, query_subset, name), from top to bottom."""

STYLES = {
    "grouped": {"color": theme.COLOURS[0], "marker": "o"},
    "random": {"color": theme.COLOURS[1], "marker": "s"},
    "random_masked": {"color": theme.COLOURS[2], "marker": "D"},
}


@theme.styled
def plot_leakage(leaks: pl.DataFrame, *, model: str, k: int) -> Figure:
    """A figure with a panel per protocol and a row per kind of split, from a `LeakageAudit` table.

    Marks are species recalls with 95 % intervals; their value is at the right. A row
    without queries keeps its position.
    """
    chosen = leaks.filter(level="species", k=k)
    names = [name for name in theme.PROTOCOL_NAMES if name in set(chosen["protocol"])]
    if not names:
        raise ValueError(f"no species recall at k = {k} in the leak audit of {model}")
    figure = theme.make_figure(0.75 + 1.4 * len(names))
    axes = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    for axis, protocol in zip(axes, names, strict=True):
        _plot_panel(axis, chosen.filter(protocol=protocol))
        axis.set_title(theme.PROTOCOL_NAMES[protocol])
    figure.suptitle(
        f"{theme.truncate(model)}, {_format_leaking_groups(leaks)}", x=0.02, ha="left", fontsize=8
    )
    figure.supxlabel(f"Species recall@{k} (any hit), micro average", fontsize=7.5)
    return figure


def _format_leaking_groups(leaks: pl.DataFrame) -> str:
    n_groups, n_images = leaks.filter(split="random").select("n_leaking_groups", "n_leaking_images").row(0)
    groups, images = theme.pluralise(n_groups, "group"), theme.pluralise(n_images, "image")
    return f"random split divides {groups} of {images}"


def _plot_panel(axis: Axes, leaks: pl.DataFrame) -> None:
    labels = []
    for y, (split, query_subset, name) in enumerate(ROWS):
        row = leaks.filter(pl.col("split") == split, pl.col("query_subset") == query_subset).row(
            0, named=True
        )
        labels.append(f"{name}, n = {row['n_queries']:,}")
        if row["recall"] is not None:
            _plot_mark(axis, y, row)
    axis.set_yticks(range(len(ROWS)), labels)
    axis.set(xlim=(-0.03, 1.03), ylim=(len(ROWS) - 0.5, -0.5))
    axis.tick_params(axis="y", length=0)
    axis.grid(True, axis="x")


def _plot_mark(axis: Axes, y: int, row: Mapping[str, Any]) -> None:
    style = STYLES[row["split"]]
    is_filled = row["query_subset"] == "all"
    axis.plot(
        [row["ci_low"], row["ci_high"]], [y, y], color=style["color"], linewidth=1.1, solid_capstyle="butt"
    )
    axis.scatter(
        [row["recall"]],
        [y],
        s=16,
        marker=style["marker"],
        facecolors=style["color"] if is_filled else "white",
        edgecolors=style["color"],
        linewidths=0.9,
        zorder=3,
        clip_on=False,
    )
    axis.annotate(
        f"{row['recall']:.3f}",
        (1.045, y),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=7,
        color=style["color"],
    )
