"""One page for a curator: what was wrong, what was done about it, what to look at."""

from nearkin.audit import contents, page
from nearkin.files import write_text
from nearkin.lineage import traced
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.groups import DoubtfulGroups, Groups
from nearkin.tables.images import Images, Inspection
from nearkin.tables.labels import Captions, Gaps, Labels, Quarantine
from nearkin.tables.splits import Splits
from nearkin.tables.statistics import Statistics


def write_audit(inputs, audit_path, *, dataset, folder, max_megapixels, trusted=()):
    """`inputs` holds the rule's paths by name."""
    content = contents.gather(
        dataset=dataset,
        images=io.scan([inputs.images], Images),
        inspection=io.scan(inputs.inspection, Inspection),
        labels=io.scan([inputs.labels], Labels),
        captions=io.scan([inputs.captions], Captions),
        quarantine=io.scan([inputs.quarantine], Quarantine),
        gaps=io.scan([inputs.gaps], Gaps),
        groups=io.scan([inputs.groups], Groups),
        doubtful=io.scan([inputs.doubtful], DoubtfulGroups),
        splits=io.scan([inputs.splits], Splits),
        statistics=io.read(inputs.statistics, Statistics),
        folder=folder,
        max_megapixels=max_megapixels,
        trusted=trusted,
    )
    write_text(audit_path, page.render(content))


if __name__ == "__main__":
    log_to(snakemake.log[0])
    with traced(snakemake.input):
        write_audit(
            snakemake.input,
            snakemake.output.audit,
            dataset=snakemake.wildcards.dataset,
            folder=snakemake.params.folder,
            max_megapixels=snakemake.params.max_megapixels,
            trusted=snakemake.params.trusted,
        )
