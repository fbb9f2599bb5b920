"""The improvement of each species beside its number of training images."""

from nearkin.figures import improvement_by_training_size, theme
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.scores import Differences


def plot_improvement_by_training_size(differences_path, svg_path, png_path, *, base, trained, protocol, k):
    differences = io.read(differences_path, Differences)
    figure = improvement_by_training_size.scatter(
        differences, base=base, trained=trained, protocol=protocol, k=k
    )
    theme.save(figure, svg_path, png_path)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    plot_improvement_by_training_size(
        differences_path=snakemake.input.differences,
        svg_path=snakemake.output.svg,
        png_path=snakemake.output.png,
        base=snakemake.params.base,
        trained=snakemake.params.trained,
        protocol=snakemake.params.protocol,
        k=snakemake.params.k,
    )
