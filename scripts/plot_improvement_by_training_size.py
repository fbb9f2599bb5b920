"""The improvement of each species against its number of training images, with a fitted curve."""

from nearkin.figures import improvement_by_training_size, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Differences
from nearkin.tables.trend import Trend


def plot_improvement_by_training_size(
    differences_path: str,
    trend_path: str,
    svg_path: str,
    png_path: str,
    *,
    base: str,
    trained: str,
    protocol: str,
    k: int,
) -> None:
    differences, trend = tables.read(differences_path, Differences), tables.read(trend_path, Trend)
    figure = improvement_by_training_size.plot_improvement_by_training_size(
        differences, trend, base=base, trained=trained, protocol=protocol, k=k
    )
    theme.save(figure, svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_improvement_by_training_size(
            differences_path=snakemake.input.differences,
            trend_path=snakemake.input.trend,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            base=snakemake.params.base,
            trained=snakemake.params.trained,
            protocol=snakemake.params.protocol,
            k=snakemake.params.k,
        )
