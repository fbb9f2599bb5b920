"""What a split that ignores groups would have done to the recall."""

from nearkin.figures import leakage, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.leakage import LeakageAudit


def plot_leakage(leakage_path: str, svg_path: str, png_path: str, *, model: str, k: int) -> None:
    theme.save(
        leakage.plot_leakage(tables.read(leakage_path, LeakageAudit), model=model, k=k), svg_path, png_path
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_leakage(
            leakage_path=snakemake.input.leakage,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            model=snakemake.params.model,
            k=snakemake.params.k,
        )
