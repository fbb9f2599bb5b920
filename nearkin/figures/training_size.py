"""Species recall against the number of training images: scatter and box plots."""

from collections.abc import Collection

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from nearkin.evaluation.training_size import BUCKETS, MORE, pearson_correlation
from nearkin.figures import box_plots, panels, theme
from nearkin.tables.categories import category_titles, sort_categories

AXIS = "Species recall@1"
ORDER = [*(name for _, name in BUCKETS), MORE]


@theme.styled
def plot_recall_by_training_size(sizes: pl.DataFrame, *, model: str) -> Figure:
    """A figure with a panel per category: each species a point, with line and correlation."""
    titles, figure, axes = _make_panels(
        sizes, f"{theme.truncate(model)}\n{AXIS} by training images, leave one out"
    )
    max_train = max(*sizes["n_train"], 1)
    for axis, (name, title), colour in zip(axes, titles.items(), _assign_colours(titles), strict=True):
        chosen = sizes.filter(category=name)
        n_train, recall = (chosen[column].to_numpy().astype(float) for column in ("n_train", "recall"))
        axis.scatter(
            n_train, recall, s=9, color=colour, alpha=0.6, linewidths=0.3, edgecolors="white", clip_on=False
        )
        r = pearson_correlation(n_train, recall)
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
        panels.set_title(axis, title, f"{relation}, n = {len(chosen):,} species")
        axis.set(xlim=(-0.02 * max_train, 1.02 * max_train), ylim=(-0.03, 1.03), xlabel="", ylabel=AXIS)
        axis.grid(True)
        axis.locator_params(axis="x", integer=True)
    figure.supxlabel("Training images of a species", fontsize=7.5)
    return figure


@theme.styled
def plot_recall_by_bucket(sizes: pl.DataFrame, *, model: str) -> Figure:
    """A figure with a panel per category: a box per bucket of training images."""
    titles, figure, axes = _make_panels(
        sizes, f"{theme.truncate(model)}\n{AXIS} by bucket of training images, leave one out"
    )
    for axis, (name, title), colour in zip(axes, titles.items(), _assign_colours(titles), strict=True):
        chosen = sizes.filter(category=name)
        values = {bucket: chosen.filter(bucket=bucket)["recall"].to_list() for bucket in ORDER}
        box_plots.plot_boxes(axis, values, colour=colour)
        panels.set_title(axis, title, f"n = {len(chosen):,} species")
        axis.set(ylim=(-0.03, 1.03), ylabel=AXIS)
    figure.supxlabel("Training images of a species; n counts species", fontsize=7.5)
    return figure


def _make_panels(sizes: pl.DataFrame, title: str) -> tuple[dict[str, str], Figure, np.ndarray]:
    """The titles of the categories, the figure and an axis for each category."""
    if sizes.is_empty():
        raise ValueError(
            "no species has test queries: is leave_one_out in search.protocols, "
            "and has the test split any images?"
        )
    titles = category_titles(sort_categories(sizes["category"].unique()))
    return titles, *panels.make_panels(len(titles), title=title)


def _assign_colours(names: Collection[str]) -> list[str]:
    return [theme.COLOURS[i % len(theme.COLOURS)] for i in range(len(names))]
