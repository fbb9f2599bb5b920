"""Species recall@1 against the number of training images."""

from nearkin.figures import theme, training_size
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.dataset_statistics import TrainingSize


def plot_training_size(sizes_path: str, svg_path: str, png_path: str, *, model: str) -> None:
    figure = training_size.plot_recall_by_training_size(tables.read(sizes_path, TrainingSize), model=model)
    theme.save(figure, svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_training_size(
            sizes_path=snakemake.input.sizes,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            model=snakemake.params.model,
        )
