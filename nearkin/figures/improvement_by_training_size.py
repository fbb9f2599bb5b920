"""What training changed, species by species, beside the number of training images."""

from nearkin.figures import panels, significance_marks, sized_points, theme
from nearkin.html import format_numbers
from nearkin.tables.categories import category_titles, sort_categories
from nearkin.vocabulary import ALL, NONE

TICKS = [0, *(first * 10**power for power in range(7) for first in (1, 3))]


@theme.styled
def plot_improvement_by_training_size(differences, trend, *, base, trained, protocol, k):
    """A figure with a panel per category: each species a point, its area by its queries.

    Training images stand on a logarithmic axis with a place for 0. The curve of the `Trend`
    table is drawn with its interval, where it has one for the panel.
    """
    species = significance_marks.add_significance(differences, protocol=protocol, k=k)
    if species.is_empty():
        raise significance_marks.empty_comparison_error(base, trained, protocol, k)
    titles = category_titles(sort_categories(species["category"].unique()))
    most, largest = species["n_queries"].max(), max(species["n_train"].max(), 1)
    reach = min(0, species["diff_pp"].min()) - 8, max(0, species["diff_pp"].max()) + 8
    title = f"{theme.truncate(base)} → {theme.truncate(trained)}\nSpecies recall@{k}, "
    title += theme.PROTOCOL_NAMES[protocol].lower()
    curves = trend.filter(protocol=protocol, k=k).sort("n_train")
    figure, axes = panels.make_panels(len(titles), title=title, height=1.65)
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        chosen = species.filter(category=name)
        axis.axhline(0, color=theme.TEXT, linewidth=0.8, zorder=1.5)
        sized_points.plot_sized_points(axis, chosen, across="n_train", up="diff_pp", most=most)
        curve = curves.filter(category=ALL if list(titles) == [NONE] else name)
        _plot_trend(axis, curve)
        panels.set_title(axis, title, _format_note(chosen, curve))
        axis.set(ylim=reach, ylabel="Change (points)")
        axis.set_xscale("symlog", linthresh=1, linscale=0.4)
        axis.set_xticks([n for n in TICKS if n <= largest])
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.minorticks_off()
        axis.set_xlim(-0.15, 1.25 * largest)
        axis.grid(True)
        axis.set_xlabel("Training images of a species")
    sized_points.add_size_legend(figure, axes[0], most)
    return figure


def _plot_trend(axis, curve):
    x, middle, low, high = (curve[name].to_numpy() for name in ("n_train", "diff_pp", "ci_low", "ci_high"))
    axis.plot(x, middle, color=theme.TEXT, linewidth=1.1, zorder=2.5)
    axis.fill_between(x, low, high, color=theme.TEXT, alpha=0.12, linewidth=0, zorder=1.4)


def _format_note(species, curve):
    n = f"n = {len(species):,} species"
    if curve.is_empty():
        return n
    slope, *ends = (
        curve[name][0] for name in ("per_doubling", "per_doubling_ci_low", "per_doubling_ci_high")
    )
    span = format_numbers.format_interval(*ends, format_numbers.format_points)
    return f"{format_numbers.format_points(slope)} points per doubling ({span})\n{n}"
