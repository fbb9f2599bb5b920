"""Species recall beside the number of training images: scatter and box plots."""

import numpy as np
import seaborn as sns
from scipy import stats

from nearkin.figures import boxes, theme
from nearkin.tables.statistics import TRAINING_BUCKETS

AXIS = "Species recall@1"


@theme.styled
def scatter(sizes, *, model):
    """A figure with a panel per category: each species a point, with line and correlation."""
    names, figure, axes = _panels(sizes, f"{theme.shown(model)}: {AXIS.lower()} by training images")
    most = max(sizes["n_train"].max() or 0, 1)
    for axis, name, colour in zip(axes, names, _colours(names), strict=False):
        chosen = sizes.filter(category=name)
        n_train, recall = (chosen[column].to_numpy().astype(float) for column in ("n_train", "recall"))
        axis.scatter(
            n_train, recall, s=9, color=colour, alpha=0.6, linewidths=0.3, edgecolors="white", clip_on=False
        )
        r = correlation(n_train, recall)
        if r is not None:
            sns.regplot(
                x=n_train,
                y=recall,
                ax=axis,
                scatter=False,
                color=colour,
                seed=1,
                line_kws={"linewidth": 1.3},
            )
        relation = "r not defined" if r is None else f"r = {r:.2f}".replace("-", "−")
        _titled(axis, name, f"{relation}, n = {len(chosen):,} species")
        axis.set(xlim=(-0.02 * most, 1.02 * most), ylim=(-0.03, 1.03), xlabel="", ylabel=AXIS)
        axis.grid(True)
        axis.locator_params(axis="x", integer=True)
    figure.supxlabel("Training images of the species", fontsize=7.5)
    return figure


@theme.styled
def buckets(sizes, *, model):
    """A figure with a panel per category: a box per bucket of training images."""
    names, figure, axes = _panels(sizes, f"{theme.shown(model)}: {AXIS.lower()} by training images")
    for axis, name, colour in zip(axes, names, _colours(names), strict=False):
        chosen = sizes.filter(category=name)
        values = {bucket: chosen.filter(bucket=bucket)["recall"].to_list() for bucket in TRAINING_BUCKETS}
        boxes.draw(axis, values, colour=colour)
        _titled(axis, name, f"n = {len(chosen):,} species")
        axis.set(ylim=(-0.03, 1.03), ylabel=AXIS)
    figure.supxlabel("Training images of the species, and number of species", fontsize=7.5)
    return figure


def correlation(x, y):
    """Pearson's r, or None where it is not defined: under three points, or no spread."""
    if len(x) < 3 or not np.ptp(x) or not np.ptp(y):
        return None
    return float(stats.pearsonr(x, y).statistic)


def _panels(sizes, title):
    """Category names, the figure and one axis each, below one another (in two columns if many)."""
    names = theme.in_order(sizes["category"].unique())
    n_columns = 1 if len(names) <= 4 else 2
    n_rows = max(1, -(-len(names) // n_columns))
    figure = theme.figure(0.5 + 1.55 * n_rows, width=theme.COLUMN * n_columns)
    figure.suptitle(title, x=0.02, ha="left", fontsize=8)
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for unused in axes[max(1, len(names)) :]:
        unused.remove()
    return names, figure, axes


def _colours(names):
    return [theme.COLOURS[i % len(theme.COLOURS)] for i in range(len(names))]


def _titled(axis, name, note):
    axis.set_title(theme.shown(name))
    axis.set_title(note, loc="right", fontweight="normal", fontsize=7)
