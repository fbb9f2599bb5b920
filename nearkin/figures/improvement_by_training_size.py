"""What training changed, species by species, beside the number of training images."""

from nearkin.figures import panels, significance_marks, sized_points, theme
from nearkin.html import format_numbers
from nearkin.tables.categories import sort_categories, titled
from nearkin.vocabulary import ALL, NONE

TICKS = [0, *(first * 10**power for power in range(7) for first in (1, 3))]


@theme.styled
def scatter(differences, trend, *, base, trained, protocol, k):
    """A figure with a panel per category: each species a point, its area by its queries.

    Training images stand on a logarithmic axis with a place for 0. The curve of the `Trend`
    table is drawn with its interval, where it has one for the panel.
    """
    species = significance_marks.species(differences, protocol=protocol, k=k)
    if species.is_empty():
        raise significance_marks.none_compared(base, trained, protocol, k)
    titles = titled(sort_categories(species["category"].unique()))
    most, largest = species["n_queries"].max(), max(species["n_train"].max(), 1)
    reach = min(0, species["points"].min()) - 8, max(0, species["points"].max()) + 8
    title = f"{theme.shown(base)} → {theme.shown(trained)}\nSpecies recall@{k}, "
    title += theme.PROTOCOL_NAMES[protocol].lower()
    curves = trend.filter(protocol=protocol, k=k).sort("n_train")
    figure, axes = panels.stacked(len(titles), title=title, height=1.65)
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        chosen = species.filter(category=name)
        axis.axhline(0, color=theme.INK, linewidth=0.8, zorder=1.5)
        sized_points.points(axis, chosen, across="n_train", up="points", most=most)
        curve = curves.filter(category=ALL if list(titles) == [NONE] else name)
        _draw(axis, curve)
        panels.titled(axis, title, _note(chosen, curve))
        axis.set(ylim=reach, ylabel="Change (points)")
        axis.set_xscale("symlog", linthresh=1, linscale=0.4)
        axis.set_xticks([n for n in TICKS if n <= largest])
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.minorticks_off()
        axis.set_xlim(-0.15, 1.25 * largest)
        axis.grid(True)
        axis.set_xlabel("Training images of a species")
    sized_points.legend(figure, axes[0], most)
    return figure


def _draw(axis, curve):
    x, middle, low, high = (curve[name].to_numpy() for name in ("n_train", "points", "low", "high"))
    axis.plot(x, middle, color=theme.INK, linewidth=1.1, zorder=2.5)
    axis.fill_between(x, low, high, color=theme.INK, alpha=0.12, linewidth=0, zorder=1.4)


def _note(species, curve):
    n = f"n = {len(species):,} species"
    if curve.is_empty():
        return n
    slope, *ends = (curve[name][0] for name in ("per_doubling", "per_doubling_low", "per_doubling_high"))
    span = format_numbers.span(*ends, format_numbers.points)
    return f"{format_numbers.points(slope)} points per doubling ({span})\n{n}"
