"""The headline numbers of every model, printed and for machines."""

import json
from collections.abc import Sequence

from nearkin.report import headline_numbers
from nearkin.runtime.logs import setup_logging
from nearkin.storage import lineage, tables
from nearkin.storage.atomic import write_text
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Metrics


def write_headline(
    metrics_paths: Sequence[str], json_path: str, text_path: str, *, models: Sequence[str], ks: Sequence[int]
) -> None:
    recalls = {model: tables.read(path, Metrics) for model, path in zip(models, metrics_paths, strict=True)}
    records = headline_numbers.list_recall_records(recalls, ks=ks)
    others = headline_numbers.list_other_records(recalls, ks=ks)
    whole = {"definition": headline_numbers.DEFINITION, "recalls": records, "others": others}
    whole["lineage"] = lineage.make_record()
    write_text(json_path, json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    write_text(text_path, headline_numbers.format_headline(records))


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        write_headline(
            metrics_paths=snakemake.input.metrics,
            json_path=snakemake.output.json,
            text_path=snakemake.output.text,
            models=snakemake.params.models,
            ks=snakemake.params.ks,
        )
