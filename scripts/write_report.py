"""One page that opens offline: the question, the answer and the methods."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import dataframely as dy
import polars as pl

from nearkin.evaluation import invariants
from nearkin.report import page, species_browser
from nearkin.report.content import collect
from nearkin.runtime.logs import setup_logging
from nearkin.runtime.named_paths import NamedPaths
from nearkin.storage import tables
from nearkin.storage.atomic import write_text
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.claims import Claims
from nearkin.tables.confusions import Confusions
from nearkin.tables.dataset_statistics import Statistics
from nearkin.tables.gallery import ExampleNeighbours, Thumbnails
from nearkin.tables.labels import CurationLog, Labels, Quarantine
from nearkin.tables.scores import Differences, Metrics
from nearkin.tables.splits import Splits


def write_report(
    inputs: NamedPaths,
    report_path: str,
    thumbnails_folder: str,
    *,
    dataset: str,
    models: Sequence[str],
    pairs: Sequence[Sequence[str]],
    method: Mapping,
) -> None:
    """`inputs` holds the rule's paths by name; its lists are in the order of models or pairs."""
    pairs = [(base, trained) for base, trained in pairs]
    headline = json.loads(_text(inputs.headline))
    content = collect(
        dataset=dataset,
        models=models,
        method=method,
        records=headline["recalls"],
        others=headline["others"],
        statistics=tables.read(inputs.statistics, Statistics),
        curation_log=tables.read(inputs.curation_log, CurationLog, columns=["field", "defect", "action"]),
        quarantine=tables.read(inputs.quarantine, Quarantine, columns=["reason"]),
        splits=tables.read(inputs.splits, Splits, columns=["reason"]),
        recalls=_by_model(models, inputs.metrics, Metrics),
        differences={
            pair: tables.read(path, Differences) for pair, path in zip(pairs, inputs.differences, strict=True)
        },
        comparisons={pair: _text(path) for pair, path in zip(pairs, inputs.comparisons, strict=True)},
        claims={pair: tables.read(path, Claims) for pair, path in zip(pairs, inputs.claims, strict=True)},
        descriptions={Path(path).parts[-3]: json.loads(_text(path)) for path in inputs.descriptions},
        figures={_place(path): Path(path).read_bytes() for path in inputs.figures},
        captions={Path(path).stem: _text(path) for path in inputs.captions},
        examples=_by_model(models, inputs.examples, ExampleNeighbours),
        confusions=_by_model(models, inputs.confusions, Confusions),
        labels=tables.scan([inputs.labels], Labels),
        thumbnails=tables.scan(inputs.thumbnails, Thumbnails),
        mixed_versions=invariants.parse_mixed_versions(_text(inputs.passed)),
    )
    write_text(report_path, page.render_report(content))
    species_browser.write_external_jpegs(content["thumbnails"], content["jpegs"], thumbnails_folder)


def _by_model(
    models: Sequence[str], paths: Sequence[str], schema: type[dy.Schema]
) -> dict[str, pl.DataFrame]:
    return {model: tables.read(path, schema) for model, path in zip(models, paths, strict=True)}


def _text(path: str | Path) -> str:
    return Path(path).read_text(encoding="utf-8")


def _place(path: str) -> tuple[str, ...]:
    """Where a figure lies below `figures`, without its suffix: (model, ..., kind)."""
    below = Path(path).with_suffix("").as_posix().rpartition("/figures/")[2]
    return tuple(below.split("/"))


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, outside=snakemake.params.outside):
        write_report(
            snakemake.input,
            snakemake.output.report,
            snakemake.output.thumbnails,
            dataset=snakemake.wildcards.dataset,
            models=snakemake.params.models,
            pairs=snakemake.params.pairs,
            method=snakemake.params.method,
        )
