"""Whether each image of a shard can be read, and what is in it."""

import logging
import os

import polars as pl

from nearkin import inspection
from nearkin.identity import shard_of
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.images import Images, Inspection

logger = logging.getLogger(__name__)


def inspect_images(images_path, inspection_path, *, folder, shard, n_shards, max_megapixels, dataset):
    images = io.read(images_path, Images)
    mine = [shard_of(uuid, n_shards) == shard for uuid in images["uuid"]]
    known = _earlier(inspection_path, max_megapixels)
    table, n_reused = inspection.inspect(
        images.filter(pl.Series(mine, dtype=pl.Boolean)), folder, max_megapixels=max_megapixels, known=known
    )
    io.write(table, inspection_path, Inspection, dataset=dataset, max_megapixels=max_megapixels)
    logger.info("inspected %d, reused %d", len(table) - n_reused, n_reused)


def _earlier(path, max_megapixels):
    """The table of an earlier run under the same limit, or an empty one if there is none that can be read."""
    if os.path.exists(path):
        try:
            if io.metadata(path).get("max_megapixels") == str(max_megapixels):
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
