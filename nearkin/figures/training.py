"""How a training went: loss, learning rates, and the validation that chose the epoch."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nearkin.figures import theme


@theme.styled
def plot_training(training: pl.DataFrame, *, model: str) -> Figure:
    """A figure of three panels over the optimiser steps: loss, learning rate, validation.

    The chosen epoch is marked in all of them; if none is, the base encoder was kept.
    """
    figure = theme.make_figure(4.2)
    loss, rate, recall = figure.subplots(3, 1, sharex=True, height_ratios=[1.1, 0.8, 1])
    step = training["step"].to_numpy()
    loss.plot(step, training["loss"].to_numpy(), color=theme.COLOURS[0], linewidth=0.8)
    loss.set_ylabel("Loss of the batch")
    for column, name, colour, dashes in [
        ("head_lr", "class centres", theme.COLOURS[1], "--"),
        ("backbone_lr", "encoder", theme.COLOURS[0], "-"),
    ]:
        rate.plot(
            step, training[column].to_numpy(), color=colour, linestyle=dashes, linewidth=1.2, label=name
        )
    rate.set_ylabel("Learning rate")
    rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    rate.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, borderpad=0)
    ends = training.drop_nulls("val_recall")
    recall.plot(
        ends["step"].to_numpy(),
        ends["val_recall"].to_numpy(),
        color=theme.COLOURS[2],
        marker="o",
        markersize=3,
        linewidth=1.0,
    )
    recall.set(xlabel="Optimiser step", ylabel="Validation recall@1")
    outcome = _mark_best_epoch(training.filter("is_best"), (loss, rate, recall))
    for axis in (loss, rate, recall):
        axis.grid(True)
        axis.margins(x=0.02)
    recall.xaxis.get_major_locator().set_params(integer=True)
    n_epochs = max(training["epoch"], default=0)
    counts = f"{theme.pluralise(n_epochs, 'epoch')}, {theme.pluralise(len(training), 'step')}"
    figure.suptitle(f"{theme.truncate(model)}: {counts}; {outcome}", x=0.02, ha="left", fontsize=8)
    return figure


def _mark_best_epoch(chosen: pl.DataFrame, axes: Sequence[Axes]) -> str:
    """What the title says about the epoch that was kept, which is marked in all axes."""
    if chosen.is_empty():
        return "base kept"
    epoch, step, value = chosen.select("epoch", "step", "val_recall").row(0)
    for axis in axes:
        axis.axvline(step, color=theme.TEXT, linestyle=":", linewidth=1)
    if value is not None:
        axes[-1].scatter([step], [value], s=30, facecolors="none", edgecolors=theme.TEXT, zorder=3)
    return f"epoch {epoch} kept"
