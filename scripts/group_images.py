"""Same bytes, near duplicates and same specimen, united into groups."""

from nearkin import groups
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.images import Inspection
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Groups


def group_images(labels_path, inspection_paths, groups_path, *, specimen, near_duplicates, dataset):
    labels = io.read(labels_path, Labels)
    inspection = io.read_all(inspection_paths, Inspection)
    table = groups.grouped(labels, inspection, specimen=specimen, near_duplicates=near_duplicates)
    io.write(table, groups_path, Groups, dataset=dataset)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    group_images(
        labels_path=snakemake.input.labels,
        inspection_paths=snakemake.input.inspection,
        groups_path=snakemake.output.groups,
        specimen=snakemake.params.specimen,
        near_duplicates=snakemake.params.near_duplicates,
        dataset=snakemake.wildcards.dataset,
    )
