"""One page for a curator: what was wrong, what was done about it, what to look at."""

from collections.abc import Sequence

from nearkin.audit import page
from nearkin.audit.content import collect
from nearkin.runtime.logs import setup_logging
from nearkin.runtime.named_paths import NamedPaths
from nearkin.storage import tables
from nearkin.storage.atomic import write_text
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.dataset_statistics import Statistics
from nearkin.tables.groups import Groups, GroupsToReview
from nearkin.tables.images import Images, Inspection
from nearkin.tables.labels import Captions, CurationLog, Labels, Quarantine
from nearkin.tables.splits import Splits


def write_audit(
    inputs: NamedPaths,
    audit_path: str,
    *,
    dataset: str,
    folder: str,
    max_megapixels: float,
    trusted: Sequence[str] = (),
) -> None:
    """`inputs` holds the rule's paths by name."""
    content = collect(
        dataset=dataset,
        images=tables.scan([inputs.images], Images),
        inspection=tables.scan(inputs.inspection, Inspection),
        labels=tables.scan([inputs.labels], Labels),
        captions=tables.scan([inputs.captions], Captions),
        quarantine=tables.scan([inputs.quarantine], Quarantine),
        curation_log=tables.scan([inputs.curation_log], CurationLog),
        groups=tables.scan([inputs.groups], Groups),
        groups_to_review=tables.scan([inputs.groups_to_review], GroupsToReview),
        splits=tables.scan([inputs.splits], Splits),
        statistics=tables.read(inputs.statistics, Statistics),
        folder=folder,
        max_megapixels=max_megapixels,
        trusted=trusted,
    )
    write_text(audit_path, page.render_audit(content))


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        write_audit(
            snakemake.input,
            snakemake.output.audit,
            dataset=snakemake.wildcards.dataset,
            folder=snakemake.params.folder,
            max_megapixels=snakemake.params.max_megapixels,
            trusted=snakemake.params.trusted,
        )
