"""The invariants of a curated dataset, asserted on its tables."""

from pathlib import Path

from nearkin import checks
from nearkin.files import write_text
from nearkin.lineage import traced
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.groups import Groups
from nearkin.tables.images import Images, Inspection
from nearkin.tables.labels import Captions, Gaps, Labels, Quarantine
from nearkin.tables.splits import Splits


def check_curation(inputs, passed_path: Path) -> None:
    """`inputs` holds the rule's paths by name."""
    labels, splits = io.read(inputs.labels, Labels), io.read(inputs.splits, Splits)
    images, quarantine = io.read(inputs.images, Images), io.read(inputs.quarantine, Quarantine)
    checks.nothing_lost(images, labels, quarantine, io.read(inputs.gaps, Gaps))
    checks.captions_whole(labels, io.read(inputs.captions, Captions))
    groups = io.read(inputs.groups, Groups, ["uuid", "group_id"])
    inspection = io.read_all(inputs.inspection, Inspection, ["uuid", "sha256"])
    checks.nothing_leaks(images, labels, groups, splits, inspection)
    write_text(passed_path, "all invariants of the curation hold\n")


if __name__ == "__main__":
    log_to(snakemake.log[0])
    with traced(snakemake.input):
        check_curation(snakemake.input, Path(snakemake.output.passed))
