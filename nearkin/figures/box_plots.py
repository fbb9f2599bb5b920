"""Box plots in which every box carries the number of its own values."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from nearkin.figures import theme

MIN_FOR_BOX = 12
"""Up to this many values, the points say more than the box and are drawn stronger."""


def plot_boxes(
    axis: Axes, values_by_name: Mapping[str, Sequence[float]], *, colour: str, seed: int = 1
) -> None:
    """One box per name, left to right, with its points over it and its n under it.

    A box, its points and its label are made from the same list, so that n always counts the
    points above it. A name without values keeps its position, with n = 0. Boxes span the
    quartiles, with the median; whiskers reach the furthest value within 1.5 box heights.
    Raises ValueError for a value that cannot be drawn, since n would count it.
    """
    rng = np.random.default_rng(seed)
    names = list(values_by_name)
    for position, name in enumerate(names):
        values = np.asarray(values_by_name[name], dtype=float)
        if not np.isfinite(values).all():
            raise ValueError(f"a value of the box {name!r} is not a number: its n would be wrong")
        _plot_box(axis, position, values, colour, rng)
    axis.set_xlim(-0.6, len(names) - 0.4)
    axis.set_xticks(
        range(len(names)), [f"{theme.wrap(name, 14)}\nn = {len(values_by_name[name]):,}" for name in names]
    )
    axis.tick_params(axis="x", length=0)
    for name, label in zip(names, axis.get_xticklabels(), strict=True):
        label.set_color(theme.TEXT if len(values_by_name[name]) else theme.GREY)
    axis.yaxis.grid(True)


def _plot_box(axis: Axes, position: int, values: np.ndarray, colour: str, rng: np.random.Generator) -> None:
    if not len(values):
        return
    axis.boxplot(
        values,
        positions=[position],
        widths=0.55,
        manage_ticks=False,
        showfliers=False,  # every value is drawn as a point
        patch_artist=True,
        boxprops={"facecolor": colour, "alpha": 0.22, "edgecolor": colour, "linewidth": 0.6},
        medianprops={"color": theme.TEXT, "linewidth": 1.4, "solid_capstyle": "butt"},
        whiskerprops={"color": colour, "linewidth": 0.8},
        capprops={"color": colour, "linewidth": 0.8},
    )
    is_small = len(values) <= MIN_FOR_BOX
    axis.scatter(
        position + rng.uniform(-0.16, 0.16, len(values)),
        values,
        s=7 if is_small else 4,
        color=colour,
        alpha=0.85 if is_small else 0.45,
        linewidths=0,
        zorder=2.5,
    )
