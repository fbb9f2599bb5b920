"""Train, val, test and unseen, so that no group straddles."""

from nearkin import splits
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Groups, Splits


def split_images(labels_path, groups_path, splits_path, *, shares, dataset):
    labels = io.read(labels_path, Labels)
    groups = io.read(groups_path, Groups)
    io.write(splits.split(labels, groups, **shares), splits_path, Splits, dataset=dataset)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    split_images(
        labels_path=snakemake.input.labels,
        groups_path=snakemake.input.groups,
        splits_path=snakemake.output.splits,
        shares=snakemake.params.shares,
        dataset=snakemake.wildcards.dataset,
    )
