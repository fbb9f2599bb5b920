"""The caption dataset, whole, and every repair of labels and captions."""

from collections.abc import Sequence

import polars as pl

from nearkin.captions import complete, external
from nearkin.captions.settings import CaptionColumns
from nearkin.runtime.logs import setup_logging
from nearkin.storage.lineage import trace_inputs
from nearkin.storage.tables import read, write
from nearkin.tables.images import Images
from nearkin.tables.labels import Captions, CurationLog, Labels


def complete_captions(
    images_path: str,
    labels_path: str,
    label_changes_path: str,
    table_paths: Sequence[str],
    captions_path: str,
    curation_log_path: str,
    *,
    priority: Sequence[str],
    tables: Sequence[CaptionColumns],
    templates: Sequence[str],
    dataset: str,
) -> None:
    further = [
        external.read_caption_table(path, image=table["image"], caption=table["caption"])
        for path, table in zip(table_paths, tables, strict=True)
    ]
    whole, curation_log = complete.complete_captions(
        read(labels_path, Labels),
        read(images_path, Images, ["uuid", "row_index", "raw_name", "caption", "sidecar_caption"]),
        further,
        priority=priority,
        templates=templates,
    )
    write(whole, captions_path, Captions, dataset=dataset)
    write(
        pl.concat([read(label_changes_path, CurationLog), curation_log]),
        curation_log_path,
        CurationLog,
        dataset=dataset,
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, outside=snakemake.params.outside):
        complete_captions(
            images_path=snakemake.input.images,
            labels_path=snakemake.input.labels,
            label_changes_path=snakemake.input.label_changes,
            table_paths=snakemake.input.tables,
            captions_path=snakemake.output.captions,
            curation_log_path=snakemake.output.curation_log,
            priority=snakemake.params.priority,
            tables=snakemake.params.tables,
            templates=snakemake.params.templates,
            dataset=snakemake.wildcards.dataset,
        )
