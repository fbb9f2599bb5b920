"""Species recall over all queries and over the reachable ones."""

from collections.abc import Sequence

from nearkin.figures import reachable, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Metrics


def plot_reachable(
    metrics_paths: Sequence[str], svg_path: str, png_path: str, *, models: Sequence[str], k: int
) -> None:
    recalls = {model: tables.read(path, Metrics) for model, path in zip(models, metrics_paths, strict=True)}
    theme.save(reachable.plot_reachable(recalls, k=k), svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_reachable(
            metrics_paths=snakemake.input.metrics,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            models=snakemake.params.models,
            k=snakemake.params.k,
        )
