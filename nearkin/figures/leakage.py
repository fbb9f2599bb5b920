"""What a split that ignores groups would have done to the recall, in one figure."""

import polars as pl

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
def plot_leakage(leaks, *, model, k):
    """A figure with a panel per protocol and a row per way of splitting, from a `LeakageAudit` table.

    Marks are species recalls with 95 % intervals; their value stands at the right. A row
    without queries keeps its place.
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


def _format_leaking_groups(leaks):
    n_groups, n_images = leaks.filter(split="random").select("n_leaking_groups", "n_leaking_images").row(0)
    return f"naive split tears {theme.pluralise(n_groups, 'group')} of {theme.pluralise(n_images, 'image')}"


def _plot_panel(axis, leaks):
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


def _plot_mark(axis, y, row):
    looks = STYLES[row["split"]]
    filled = row["query_subset"] == "all"
    axis.plot(
        [row["ci_low"], row["ci_high"]], [y, y], color=looks["color"], linewidth=1.1, solid_capstyle="butt"
    )
    axis.scatter(
        [row["recall"]],
        [y],
        s=16,
        marker=looks["marker"],
        facecolors=looks["color"] if filled else "white",
        edgecolors=looks["color"],
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
        color=looks["color"],
    )
