"""Whether each image of a shard can be read, and what is in it."""

import logging
import os

import polars as pl

from nearkin import inspection, thumbnails
from nearkin.identity import in_shard
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.images import Images, Inspection

logger = logging.getLogger(__name__)


def inspect_images(images_path, inspection_path, *, folder, shard, n_shards, max_megapixels, dataset):
    images = io.read(images_path, Images, columns=["uuid", "path", "match"])
    stamps = {"max_megapixels": max_megapixels, "thumbnails": thumbnails.VERSION}
    known = _earlier(inspection_path, stamps)
    table, n_reused = inspection.inspect(
        images.filter(in_shard(shard, n_shards)), folder, max_megapixels=max_megapixels, known=known
    )
    io.write(table, inspection_path, Inspection, dataset=dataset, **stamps)
    n_new, n_problems = len(table) - n_reused, table["problem"].count()
    counts = {"images inspected": n_new, "reused": n_reused, "with a problem": n_problems}
    logger.info("inspected %d, reused %d", n_new, n_reused, extra={"counts": counts})


def _earlier(path, stamps):
    """The table of an earlier run of the same kind, or an empty one if there is none that can be read."""
    if os.path.exists(path):
        try:
            found = io.metadata(path)
            if all(found.get(name) == str(value) for name, value in stamps.items()):
                return io.read(path, Inspection)
        except (ValueError, pl.exceptions.PolarsError) as error:
            logger.warning("not reused: %s", error)
    return Inspection.create_empty()


if __name__ == "__main__":
    log_to(snakemake.log[0])
    inspect_images(
        images_path=snakemake.input.images,
        inspection_path=snakemake.output.inspection,
        folder=snakemake.params.folder,
        shard=int(snakemake.wildcards.shard),
        n_shards=snakemake.params.n_shards,
        max_megapixels=snakemake.params.max_megapixels,
        dataset=snakemake.wildcards.dataset,
    )
