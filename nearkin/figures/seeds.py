"""Every variant's recall and what training changed, over its seeds."""

import re
import textwrap
from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import theme
from nearkin.html import format_numbers
from nearkin.vocabulary import ALL, PROTOCOLS

LEVEL = "species"
MEASURES = {"recall": "Species recall@{k}", "diff_pp": "Change by training (points)"}
FORMATTERS = {"recall": format_numbers.format_fraction, "diff_pp": format_numbers.format_points}
COLOUR = theme.COLOURS[0]
WIDTH = 6.2
MAX_LABEL_CHARS = 26
"""Letters in a line of a variant's name."""


@theme.styled
def plot_seeds(variants: pl.DataFrame, *, names: Sequence[str], k: int) -> Figure:
    """A figure with a row of panels per protocol: the recall of each variant, and its change in points.

    A mark is the mean over a variant's seeds, a thin line its 95 % interval, a pale bar
    reaches from the lowest to the highest seed. `names` are the variants, from top to bottom.
    """
    chosen = variants.filter(level=LEVEL, category=ALL, k=k)
    protocols = [name for name in PROTOCOLS if name in set(chosen["protocol"])]
    if not protocols:
        raise ValueError(f"no recall at k = {k} in the table of variants: is it in recall.ks?")
    heights = 0.45 + 0.24 * len(names)
    figure = theme.make_figure(0.35 + len(protocols) * heights, width=WIDTH)
    axes = figure.subplots(len(protocols), len(MEASURES), squeeze=False, sharex="col", sharey="row")
    for row, protocol in zip(axes, protocols, strict=True):
        rows = chosen.filter(protocol=protocol)
        for axis, measure in zip(row, MEASURES, strict=True):
            _plot_panel(axis, rows.filter(metric=measure), names)
        n = theme.pluralise(rows["n_queries"][0], "query")
        row[0].set_title(f"{theme.PROTOCOL_NAMES[protocol]}, n = {n}")
        n_seeds = dict(rows.select("config_name", "n_seeds").iter_rows())
        row[0].set_yticks(range(len(names)), [_format_label(name, n_seeds[name]) for name in names])
        row[1].axvline(0, color=theme.TEXT, linewidth=0.8, zorder=1.5)
    for axis, label in zip(axes[-1], MEASURES.values(), strict=True):
        axis.set_xlabel(label.format(k=k))
    return figure


def _plot_panel(axis: Axes, rows: pl.DataFrame, names: Sequence[str]) -> None:
    position = {name: y for y, name in enumerate(names)}
    for row in rows.iter_rows(named=True):
        y = position[row["config_name"]]
        if row["n_seeds"] > 1:
            ends = [row["min"], row["max"]]
            axis.plot(ends, [y, y], color=COLOUR, alpha=0.3, linewidth=6, solid_capstyle="butt")
        axis.plot([row["ci_low"], row["ci_high"]], [y, y], color=COLOUR, linewidth=1.1, solid_capstyle="butt")
        axis.scatter([row["mean"]], [y], s=13, color=COLOUR, linewidths=0, zorder=3, clip_on=False)
        text = FORMATTERS[row["metric"]](row["mean"])
        axis.annotate(text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=6.5)
    axis.set_ylim(len(names) - 0.45, -0.55)
    axis.tick_params(axis="y", length=0)
    axis.grid(True, axis="x")


def _format_label(name: str, n_seeds: int) -> str:
    """A variant's name, on two lines if it is long, and how many seeds it has.

    >>> _format_label("swept.m2_0.2.gradient_straight_through", 3)
    'swept.m2_0.2.\\ngradient_straight_through × 3'
    """
    spaced = re.sub(r"\.(?=[^\W\d])", ". ", name) if len(name) > MAX_LABEL_CHARS else name
    lines = [
        line.replace(". ", ".") for line in textwrap.wrap(spaced, MAX_LABEL_CHARS, break_long_words=False)
    ]
    shown = "\n".join(
        line if len(line) <= MAX_LABEL_CHARS else f"{line[: MAX_LABEL_CHARS - 1]}…" for line in lines[:2]
    )
    return f"{shown} × {n_seeds}" if n_seeds > 1 else shown
