"""Recall of every model against the number of neighbours looked at."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import theme
from nearkin.vocabulary import PROTOCOLS

CURVE_LEVELS = ["species", "genus"]
TICKS = [first * 10**power for power in range(5) for first in (1, 3)]


@theme.styled
def plot_recall_curves(curves: Mapping[str, pl.DataFrame]) -> Figure:
    """A figure with a row of panels per protocol, species at the left and genus at the right.

    `curves` maps model names to `RecallCurve` tables. Each line is a model, its band the 95 %
    interval.
    """
    present = {protocol for curve in curves.values() for protocol in curve["protocol"]}
    protocols = [protocol for protocol in PROTOCOLS if protocol in present]
    if not protocols:
        raise ValueError(f"no recall curve in the tables of {', '.join(curves)}: trace it first")
    n_lines = -(-len(curves) // 2)
    figure = theme.make_figure(0.35 + 0.13 * n_lines + 1.3 * len(protocols))
    axes = figure.subplots(len(protocols), len(CURVE_LEVELS), squeeze=False, sharex=True, sharey=True)
    for row, protocol in zip(axes, protocols, strict=True):
        row[0].set_title(theme.PROTOCOL_NAMES[protocol])
        for axis, level in zip(row, CURVE_LEVELS, strict=True):
            chosen = {
                model: curve.filter(protocol=protocol, level=level).sort("k")
                for model, curve in curves.items()
            }
            _plot_panel(axis, chosen)
            n_queries = max(max(curve["n_queries"], default=0) for curve in chosen.values())
            if not n_queries:
                axis.text(0.5, 0.5, "no labels", transform=axis.transAxes, ha="center", va="center")
            axis.set_ylabel(f"{level.capitalize()} recall@k\nn = {n_queries:,}")
    _set_k_axis(axes[0, 0], max(k for curve in curves.values() for k in curve["k"]))
    figure.supxlabel("k, nearest neighbours looked at", fontsize=7.5)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2, columnspacing=1.2, handlelength=2.4)
    return figure


def _plot_panel(axis: Axes, curves: Mapping[str, pl.DataFrame]) -> None:
    for number, (model, curve) in enumerate(curves.items()):
        k, value, low, high = (curve[name].to_numpy() for name in ("k", "value", "ci_low", "ci_high"))
        style = theme.line_style(number)
        axis.fill_between(k, low, high, color=style["color"], alpha=0.25, linewidth=0)
        axis.plot(k, value, **style, linewidth=1.2, marker="o", markersize=1.8, label=theme.truncate(model))
    axis.grid(True)


def _set_k_axis(axis: Axes, max_k: int) -> None:
    axis.set_xscale("log")
    axis.set_xticks([k for k in TICKS if k <= max_k])
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_minor_formatter("")
    axis.xaxis.minorticks_off()
    axis.set_xlim(0.9, 1.1 * max(max_k, 2))
