"""Same bytes, near duplicates and same specimen, united into groups."""

from collections.abc import Sequence

from nearkin.embeddings.load import read_vectors
from nearkin.embeddings.shard_index import read_index
from nearkin.groups import group
from nearkin.groups.settings import NearDuplicateLimits, OversizedLimits
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.groups import Groups, GroupsToReview
from nearkin.tables.images import Images, Inspection
from nearkin.tables.labels import Labels


def group_images(
    images_path: str,
    labels_path: str,
    inspection_paths: Sequence[str],
    shards_path: str,
    groups_path: str,
    groups_to_review_path: str,
    *,
    specimen: Sequence[str],
    near_duplicates: NearDuplicateLimits | None,
    oversized: OversizedLimits,
    dataset: str,
) -> None:
    """`shards_path` is empty unless a model says which images look alike."""
    table, groups_to_review = group.group_images(
        tables.read(labels_path, Labels, columns=["uuid", "path", "category", "species"]),
        tables.scan(inspection_paths, Inspection),
        tables.read(images_path, Images, columns=["uuid", "specimen"]).drop_nulls(),
        (lambda uuids: read_vectors(read_index(shards_path)[0], uuids)) if shards_path else None,
        specimen=specimen,
        near_duplicates=near_duplicates,
        oversized=oversized,
    )
    tables.write(table, groups_path, Groups, dataset=dataset)
    tables.write(groups_to_review, groups_to_review_path, GroupsToReview, dataset=dataset)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        group_images(
            images_path=snakemake.input.images,
            labels_path=snakemake.input.labels,
            inspection_paths=snakemake.input.inspection,
            shards_path=snakemake.input.shards,
            groups_path=snakemake.output.groups,
            groups_to_review_path=snakemake.output.groups_to_review,
            specimen=snakemake.params.specimen,
            near_duplicates=snakemake.params.near_duplicates,
            oversized=snakemake.params.oversized,
            dataset=snakemake.wildcards.dataset,
        )
