"""Whether each image of a shard can be read, and what is in it."""

import logging
from collections.abc import Sequence

from nearkin.images import dhash, inspect
from nearkin.runtime.logs import setup_logging
from nearkin.sources.image_ids import is_in_shard
from nearkin.storage import tables
from nearkin.storage.lineage import library_versions, trace_inputs
from nearkin.storage.reuse import earlier_path, keep_for_reuse
from nearkin.tables.images import Images, Inspection

logger = logging.getLogger(__name__)


def inspect_images(
    images_path: str,
    inspection_path: str,
    *,
    folder: str,
    shard: int,
    n_shards: int,
    max_megapixels: float,
    dataset: str,
    trusted: Sequence[str] = (),
) -> None:
    images = tables.read(images_path, Images, columns=["uuid", "path", "match_kind"])
    metadata = {"max_megapixels": max_megapixels, "thumbnails": dhash.VERSION}
    metadata |= library_versions("pillow")
    known = tables.read_if_current(earlier_path(inspection_path), Inspection, **metadata)
    table, n_reused = inspect.inspect_files(
        images.filter(is_in_shard(shard, n_shards)),
        folder,
        max_megapixels=max_megapixels,
        earlier=known,
        trusted=trusted,
    )
    tables.write(table, inspection_path, Inspection, dataset=dataset, **metadata)
    keep_for_reuse(inspection_path)
    n_new, n_problems = len(table) - n_reused, table["error"].count()
    counts = {"images inspected": n_new, "reused": n_reused, "with a problem": n_problems}
    logger.info("inspected %d, reused %d", n_new, n_reused, extra={"counts": counts})


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, part=True):
        inspect_images(
            images_path=snakemake.input.images,
            inspection_path=snakemake.output.inspection,
            folder=snakemake.params.folder,
            shard=int(snakemake.wildcards.shard),
            n_shards=snakemake.params.n_shards,
            max_megapixels=snakemake.params.max_megapixels,
            trusted=snakemake.params.trusted,
            dataset=snakemake.wildcards.dataset,
        )
