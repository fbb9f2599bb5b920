"""The invariants of a curated dataset, asserted on its tables."""

from pathlib import Path

from nearkin.evaluation import invariants
from nearkin.runtime.logs import setup_logging
from nearkin.runtime.named_paths import NamedPaths
from nearkin.storage import tables
from nearkin.storage.atomic import write_text
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.groups import Groups
from nearkin.tables.images import Images, Inspection
from nearkin.tables.labels import Captions, CurationLog, Labels, Quarantine
from nearkin.tables.splits import Splits


def check_curation(inputs: NamedPaths, passed_path: Path) -> None:
    """`inputs` holds the rule's paths by name."""
    labels, splits = tables.read(inputs.labels, Labels), tables.read(inputs.splits, Splits)
    images, quarantine = tables.read(inputs.images, Images), tables.read(inputs.quarantine, Quarantine)
    invariants.check_rows_accounted_for(
        images, labels, quarantine, tables.read(inputs.curation_log, CurationLog)
    )
    invariants.check_captions(labels, tables.read(inputs.captions, Captions))
    groups = tables.read(inputs.groups, Groups, ["uuid", "group_id"])
    inspection = tables.read_all(inputs.inspection, Inspection, ["uuid", "sha256"])
    invariants.check_no_leakage(images, labels, groups, splits, inspection)
    write_text(passed_path, "all invariants of the curation hold\n")


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        check_curation(snakemake.input, Path(snakemake.output.passed))
