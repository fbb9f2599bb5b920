"""Plots of time and memory against the number of images."""

import polars as pl
import seaborn as sns

from nearkin.figures import theme


@theme.styled
def plot_costs(records, path, *, xlabel, memory_label):
    """Write a PNG with two panels, `seconds` (on a logarithmic axis) and `megabytes` against `n`.

    `records` are dicts with these keys and `method`; `memory_label` says what the megabytes are.
    """
    figure = theme.make_figure(2.8, width=2 * theme.COLUMN_WIDTH)
    panels = figure.subplots(1, 2)
    columns = pl.DataFrame(records).to_dict(as_series=False)
    n_methods = len(set(columns["method"]))
    for axes, column, label in zip(panels, ("seconds", "megabytes"), ("time (s)", memory_label), strict=True):
        sns.lineplot(columns, x="n", y=column, hue="method", style="method", markers=True, dashes=False,
                     palette=theme.COLOURS[:n_methods], ax=axes, legend=axes is panels[0])  # fmt: skip
        axes.set(xscale="log", yscale="log" if column == "seconds" else "linear", xlabel=xlabel, ylabel=label)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:,.10g}")
            axis.set_minor_formatter("")
        axes.set_xticks(sorted(set(columns["n"])))
        axes.xaxis.minorticks_off()
        axes.grid(axis="y")
    panels[1].set_ylim(bottom=0)
    panels[0].get_legend().set_title(None)
    figure.savefig(path, format="png", dpi=160, metadata={"Software": None})
