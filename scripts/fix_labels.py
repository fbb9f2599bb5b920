"""Names repaired, or images set aside with a reason."""

from nearkin import labels
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.images import Images, Inspection
from nearkin.tables.labels import Gaps, Labels, Quarantine


def fix_labels(
    images_path, inspection_paths, labels_path, quarantine_path, repairs_path, *, policies, misspelt, dataset
):
    images = io.read(images_path, Images)
    inspection = io.read_all(inspection_paths, Inspection)
    kept, aside, gaps = labels.repaired(images, inspection, policies=policies, misspelt_limits=misspelt)
    io.write(kept, labels_path, Labels, dataset=dataset)
    io.write(aside, quarantine_path, Quarantine, dataset=dataset)
    io.write(gaps, repairs_path, Gaps, dataset=dataset)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    fix_labels(
        images_path=snakemake.input.images,
        inspection_paths=snakemake.input.inspection,
        labels_path=snakemake.output.labels,
        quarantine_path=snakemake.output.quarantine,
        repairs_path=snakemake.output.repairs,
        policies=snakemake.params.policies,
        misspelt=snakemake.params.misspelt,
        dataset=snakemake.wildcards.dataset,
    )
