"""What training changed, species by species, beside the number of training images."""

from nearkin.figures import marks, panels, sized, theme
from nearkin.reference import in_order
from nearkin.sampling import rank_correlation

TICKS = [0, *(first * 10**power for power in range(7) for first in (1, 3))]


@theme.styled
def scatter(differences, *, base, trained, protocol, k):
    """A figure with a panel per category: each species a point, its area by its queries.

    Training images stand on a logarithmic axis with a place for 0. No trend is drawn, for
    species with few queries scatter too widely; Spearman's rank correlation stands above.
    """
    species = marks.species(differences, protocol=protocol, k=k)
    if species.is_empty():
        raise marks.none_compared(base, trained, protocol, k)
    names = in_order(species["category"].unique())
    most, largest = species["n_queries"].max(), max(species["n_train"].max(), 1)
    reach = min(0, species["points"].min()) - 8, max(0, species["points"].max()) + 8
    title = f"{theme.shown(base)} → {theme.shown(trained)}\nSpecies recall@{k}, "
    title += theme.PROTOCOL_NAMES[protocol].lower()
    figure, axes = panels.stacked(len(names), title=title)
    for axis, name in zip(axes, names, strict=True):
        chosen = species.filter(category=name)
        axis.axhline(0, color=theme.INK, linewidth=0.8, zorder=1.5)
        sized.points(axis, chosen, across="n_train", up="points", most=most)
        panels.titled(axis, name, _note(chosen))
        axis.set(ylim=reach, ylabel="Change (points)")
        axis.set_xscale("symlog", linthresh=1, linscale=0.4)
        axis.set_xticks([n for n in TICKS if n <= largest])
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.minorticks_off()
        axis.set_xlim(-0.15, 1.25 * largest)
        axis.grid(True)
        axis.set_xlabel("Training images of a species")
    sized.legend(figure, axes[0], most)
    return figure


def _note(species):
    rho = rank_correlation(species["n_train"].to_numpy(), species["points"].to_numpy())
    relation = "ρ not defined" if rho is None else f"ρ = {rho:.2f}".replace("-", "−")
    return f"{relation}, n = {len(species):,} species"
