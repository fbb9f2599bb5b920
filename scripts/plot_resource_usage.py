"""Time, memory and images per second of every rule."""

from nearkin.figures import resource_usage, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.tables.resource_usage import ResourceUsage


def plot_resource_usage(resource_usage_path: str, svg_path: str, png_path: str, *, dataset: str) -> None:
    theme.save(
        resource_usage.plot_resource_usage(tables.read(resource_usage_path, ResourceUsage), dataset=dataset),
        svg_path,
        png_path,
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    plot_resource_usage(
        resource_usage_path=snakemake.input.resource_usage,
        svg_path=snakemake.output.resource_usage_svg,
        png_path=snakemake.output.resource_usage_png,
        dataset=snakemake.wildcards.dataset,
    )
