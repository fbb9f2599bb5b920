"""Every seed group's recall and what training changed, over its seeds."""

from collections.abc import Sequence

from nearkin.figures import seeds, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.seeds import SeedSummaries


def plot_seeds(seeds_path: str, svg_path: str, png_path: str, *, names: Sequence[str], k: int) -> None:
    figure = seeds.plot_seeds(tables.read(seeds_path, SeedSummaries), names=names, k=k)
    theme.save(figure, svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_seeds(
            seeds_path=snakemake.input.seeds,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            names=snakemake.params.names,
            k=snakemake.params.k,
        )
