"""Every model against every other, in one matrix."""

from collections.abc import Sequence

from nearkin.figures import all_pairs, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Pairwise


def plot_all_pairs(
    pairwise_path: str, svg_path: str, png_path: str, *, models: Sequence[str], k: int
) -> None:
    theme.save(
        all_pairs.plot_all_pairs(tables.read(pairwise_path, Pairwise), models=models, k=k), svg_path, png_path
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_all_pairs(
            pairwise_path=snakemake.input.pairwise,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            models=snakemake.params.models,
            k=snakemake.params.k,
        )
