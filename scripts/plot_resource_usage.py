"""Time, memory and images per second of every rule."""

from nearkin.figures import resource_usage, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.tables.resource_usage import Costs


def plot_resource_usage(costs_path, svg_path, png_path, *, dataset):
    theme.save(
        resource_usage.plot_resource_usage(tables.read(costs_path, Costs), dataset=dataset),
        svg_path,
        png_path,
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    plot_resource_usage(
        costs_path=snakemake.input.costs,
        svg_path=snakemake.output.svg,
        png_path=snakemake.output.png,
        dataset=snakemake.wildcards.dataset,
    )
