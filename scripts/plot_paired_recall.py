"""Recall of a base and a trained model, species by species."""

from nearkin.figures import paired_recall, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Differences


def plot_paired_recall(
    differences_path: str, svg_path: str, png_path: str, *, base: str, trained: str, protocol: str, k: int
) -> None:
    differences = tables.read(differences_path, Differences)
    figure = paired_recall.plot_paired_recall(differences, base=base, trained=trained, protocol=protocol, k=k)
    theme.save(figure, svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_paired_recall(
            differences_path=snakemake.input.differences,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            base=snakemake.params.base,
            trained=snakemake.params.trained,
            protocol=snakemake.params.protocol,
            k=snakemake.params.k,
        )
