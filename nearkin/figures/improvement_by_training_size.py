"""What training changed, species by species, against the number of training images."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import panels, significance_marks, sized_points, theme
from nearkin.html import format_numbers
from nearkin.tables.categories import category_titles, sort_categories
from nearkin.vocabulary import ALL, NONE

TICKS = [0, *(first * 10**power for power in range(7) for first in (1, 3))]


@theme.styled
def plot_improvement_by_training_size(
    differences: pl.DataFrame, trend: pl.DataFrame, *, base: str, trained: str, protocol: str, k: int
) -> Figure:
    """A figure with a panel per category: each species a point, its area by its queries.

    The axis of training images is logarithmic, with a position for 0. The curve of the `Trend`
    table is drawn with its interval, where it has one for the panel.
    """
    species = significance_marks.add_significance(differences, protocol=protocol, k=k)
    if species.is_empty():
        raise significance_marks.empty_comparison_error(base, trained, protocol, k)
    titles = category_titles(sort_categories(species["category"].unique()))
    max_queries, max_train = max(species["n_queries"]), max(*species["n_train"], 1)
    reach = min(0, *species["diff_pp"]) - 8, max(0, *species["diff_pp"]) + 8
    title = f"{theme.truncate(base)} → {theme.truncate(trained)}\nSpecies recall@{k}, "
    title += theme.PROTOCOL_NAMES[protocol].lower()
    curves = trend.filter(protocol=protocol, k=k).sort("n_train")
    figure, axes = panels.make_panels(len(titles), title=title, height=1.65)
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        chosen = species.filter(category=name)
        axis.axhline(0, color=theme.TEXT, linewidth=0.8, zorder=1.5)
        sized_points.plot_sized_points(axis, chosen, x="n_train", y="diff_pp", max_queries=max_queries)
        curve = curves.filter(category=ALL if list(titles) == [NONE] else name)
        _plot_trend(axis, curve)
        panels.set_title(axis, title, _format_note(chosen, curve))
        axis.set(ylim=reach, ylabel="Change (points)")
        axis.set_xscale("symlog", linthresh=1, linscale=0.4)
        axis.set_xticks([n for n in TICKS if n <= max_train])
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.minorticks_off()
        axis.set_xlim(-0.15, 1.25 * max_train)
        axis.grid(True)
        axis.set_xlabel("Training images of a species")
    sized_points.add_size_legend(figure, axes[0], max_queries)
    return figure


def _plot_trend(axis: Axes, curve: pl.DataFrame) -> None:
    x, middle, low, high = (curve[name].to_numpy() for name in ("n_train", "diff_pp", "ci_low", "ci_high"))
    axis.plot(x, middle, color=theme.TEXT, linewidth=1.1, zorder=2.5)
    axis.fill_between(x, low, high, color=theme.TEXT, alpha=0.12, linewidth=0, zorder=1.4)


def _format_note(species: pl.DataFrame, curve: pl.DataFrame) -> str:
    n = f"n = {len(species):,} species"
    if curve.is_empty():
        return n
    slope, low, high = (
        curve[name][0] for name in ("per_doubling", "per_doubling_ci_low", "per_doubling_ci_high")
    )
    interval = format_numbers.format_interval(low, high, format_numbers.format_points)
    return f"{format_numbers.format_points(slope)} points per doubling ({interval})\n{n}"
