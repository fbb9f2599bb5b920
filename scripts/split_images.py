"""Train, val, test and unseen species; no group spans two of them."""

from nearkin.runtime.logs import setup_logging
from nearkin.splits import predefined, split
from nearkin.splits.settings import SplitSettings
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.groups import Groups
from nearkin.tables.images import Images
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits


def split_images(
    labels_path: str,
    groups_path: str,
    images_path: str | None,
    previous_path: str | None,
    splits_path: str,
    *,
    split_settings: SplitSettings,
    dataset: str,
) -> None:
    """`images_path` is empty unless the delivered split is adopted, `previous_path` unless there is one."""
    labels = tables.read(labels_path, Labels, ["uuid", "category", "genus", "species"])
    groups = tables.read(groups_path, Groups, ["uuid", "group_id"])
    given = []
    if previous_path:
        given.append(
            predefined.read_previous(
                tables.read(previous_path, Splits, ["uuid", "split", "reason", "evidence"])
            )
        )
    if images_path:
        given.append(predefined.read_delivered(tables.read(images_path, Images, ["uuid", "split"])))
    table = split.split_images(labels, groups, predefined.combine_predefined(given), **split_settings)
    split.check_tested(table, labels, dataset=dataset)
    tables.write(table, splits_path, Splits, dataset=dataset)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, outside=snakemake.params.outside):
        split_images(
            labels_path=snakemake.input.labels,
            groups_path=snakemake.input.groups,
            images_path=snakemake.input.get("images"),
            previous_path=snakemake.input.get("previous"),
            splits_path=snakemake.output.splits,
            split_settings=snakemake.params.split_settings,
            dataset=snakemake.wildcards.dataset,
        )
