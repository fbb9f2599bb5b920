"""Recall of every model against the number of neighbours looked at."""

from collections.abc import Sequence

from nearkin.figures import recall_curve, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.recall_curve import RecallCurve


def plot_recall_curve(
    curve_paths: Sequence[str], svg_path: str, png_path: str, *, models: Sequence[str]
) -> None:
    curves = {model: tables.read(path, RecallCurve) for model, path in zip(models, curve_paths, strict=True)}
    theme.save(recall_curve.plot_recall_curves(curves), svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_recall_curve(
            curve_paths=snakemake.input.curves,
            svg_path=snakemake.output.svg,
            png_path=snakemake.output.png,
            models=snakemake.params.models,
        )
