"""Loss and learning rate of a training, and how the epoch was chosen."""

from nearkin.figures import theme, training
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.training import Training


def plot_training(training_path: str, svg_path: str, png_path: str, *, model: str) -> None:
    theme.save(training.plot_training(tables.read(training_path, Training), model=model), svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_training(
            training_path=snakemake.input.training,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            model=snakemake.params.model,
        )
