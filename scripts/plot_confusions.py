"""Which genera a model takes for which."""

from nearkin.figures import confusions, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.confusions import Confusions


def plot_confusions(confusions_path: str, svg_path: str, png_path: str, *, model: str) -> None:
    figure = confusions.plot_genus_confusions(tables.read(confusions_path, Confusions), model=model)
    theme.save(figure, svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_confusions(
            confusions_path=snakemake.input.confusions,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            model=snakemake.params.model,
        )
