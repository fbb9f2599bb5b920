"""Cleaned names, and the quarantine: images left out, each with its reason."""

from collections.abc import Mapping, Sequence

from nearkin.labels import clean
from nearkin.labels.settings import SpellingLimits
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.images import Images, Inspection
from nearkin.tables.labels import CurationLog, Labels, Quarantine


def clean_labels(
    images_path: str,
    inspection_paths: Sequence[str],
    labels_path: str,
    quarantine_path: str,
    label_changes_path: str,
    *,
    policies: Mapping[str, str],
    spelling: SpellingLimits,
    taxonomy_path: str | None,
    dataset: str,
) -> None:
    unused = {"caption", "sidecar_caption", "specimen", "split"}
    kept, quarantine, curation_log = clean.clean_labels(
        tables.read(images_path, Images, [name for name in Images.column_names() if name not in unused]),
        tables.read_all(inspection_paths, Inspection, ["uuid", "error", "detail", "sha256"]),
        policies=policies,
        spelling_limits=spelling,
        taxonomy_path=taxonomy_path,
    )
    tables.write(kept, labels_path, Labels, dataset=dataset)
    tables.write(quarantine, quarantine_path, Quarantine, dataset=dataset)
    tables.write(curation_log, label_changes_path, CurationLog, dataset=dataset)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, outside=snakemake.params.outside):
        clean_labels(
            images_path=snakemake.input.images,
            inspection_paths=snakemake.input.inspection,
            labels_path=snakemake.output.labels,
            quarantine_path=snakemake.output.quarantine,
            label_changes_path=snakemake.output.label_changes,
            policies=snakemake.params.policies,
            spelling=snakemake.params.spelling,
            taxonomy_path=snakemake.input.taxonomy or None,
            dataset=snakemake.wildcards.dataset,
        )
