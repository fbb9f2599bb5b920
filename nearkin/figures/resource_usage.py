"""What a study took: time, memory and images a second of every rule."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, LogLocator, NullLocator

from nearkin.figures import theme
from nearkin.runtime.resource_usage import summarise_by_rule

TIME_TICKS = {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 36_000: "10 h", 360_000: "100 h"}
ROW_HEIGHT = 0.19
"""Height of a rule, in inches."""


@theme.styled
def plot_resource_usage(costs: pl.DataFrame, *, dataset: str) -> Figure:
    """A figure of three panels with a row for each rule, the longest first.

    A dot is all jobs of a rule together: their time added, the highest memory of any, all
    images by all seconds. A bar goes from the lowest to the highest job. Raises ValueError if
    nothing was measured.
    """
    if costs.is_empty():
        raise ValueError(f"{dataset}: no costs to draw: logs/resource_usage is empty")
    rules = summarise_by_rule(costs)
    figure = theme.make_figure(0.9 + ROW_HEIGHT * len(rules), width=2 * theme.COLUMN_WIDTH)
    time, memory, rate = figure.subplots(1, 3, sharey=True)
    _plot_dots(time, rules, "seconds", colour=theme.COLOURS[0])
    _plot_dots(memory, rules, "most_memory", colour=theme.COLOURS[1], ends=("least_memory", "most_memory"))
    _plot_dots(rate, rules, "rate", colour=theme.COLOURS[2], ends=("slowest", "fastest"))
    labels = [f"{rule} ({n:,})" for rule, n in rules.select("rule", "n_jobs").iter_rows()]
    time.set_yticks(range(len(rules)), labels)
    time.invert_yaxis()
    time.xaxis.set_major_locator(FixedLocator(list(TIME_TICKS)))
    time.xaxis.set_major_formatter(FixedFormatter(list(TIME_TICKS.values())))
    time.set(xlabel="Time of all jobs", ylabel="Rule (jobs)")
    memory.set_xlabel("Peak memory of a job (MB)")
    rate.set_xlabel("Images per second")
    n_jobs = theme.pluralise(len(costs), "job")
    figure.suptitle(f"{theme.truncate(dataset)}: {n_jobs} measured", x=0.02, ha="left", fontsize=8)
    return figure


def _plot_dots(
    axis: Axes, rules: pl.DataFrame, column: str, *, colour: str, ends: tuple[str, str] | None = None
) -> None:
    """Draw dots of a column on a logarithmic scale, with bars between the columns of its ends."""
    rows = rules.with_row_index("y").filter(pl.col(column) > 0)
    if ends:
        low, high = (rows[end].clip(1e-3) for end in ends)
        axis.hlines(rows["y"], low, high, color=colour, linewidth=1, alpha=0.5)
    axis.scatter(rows[column], rows["y"], s=14, color=colour, zorder=3)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axis.margins(x=0.12)
    axis.tick_params(axis="y", length=0)
    axis.grid(True)
