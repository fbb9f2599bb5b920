"""The improvement of each species beside its number of training images, and a curve through them."""

from nearkin.figures import improvement_by_training_size, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import traced
from nearkin.tables.scores import Differences
from nearkin.tables.trend import Trend


def plot_improvement_by_training_size(
    differences_path, trend_path, svg_path, png_path, *, base, trained, protocol, k
):
    differences, trend = tables.read(differences_path, Differences), tables.read(trend_path, Trend)
    figure = improvement_by_training_size.plot_improvement_by_training_size(
        differences, trend, base=base, trained=trained, protocol=protocol, k=k
    )
    theme.save(figure, svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with traced(snakemake.input):
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
