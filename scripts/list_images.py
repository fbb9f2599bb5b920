"""One row per delivered image file or listed name, exactly as delivered."""

import logging

from nearkin.logs import log_to
from nearkin.sources import folders, tables, vlm4bio
from nearkin.tables import io
from nearkin.tables.images import Images

logger = logging.getLogger(__name__)


def list_images(folder, images_path, *, layout, source_id, captions_table, table, unlisted, dataset):
    if layout == "table":
        images = tables.list_images(folder, source_id, **table, unlisted=unlisted)
    elif layout == "folders":
        images = folders.list_images(folder, source_id, captions_table=captions_table)
    else:
        images = vlm4bio.list_images(folder, source_id, captions_table=captions_table, unlisted=unlisted)
    io.write(images, images_path, Images, dataset=dataset)
    n_files = images["path"].n_unique() - images["path"].is_null().any()
    logger.info("%d rows, %d files listed from %s", len(images), n_files, folder)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    list_images(
        folder=snakemake.params.folder,
        images_path=snakemake.output.images,
        layout=snakemake.params.layout,
        source_id=snakemake.params.source_id,
        captions_table=snakemake.params.captions_table,
        table=snakemake.params.table,
        unlisted=snakemake.params.unlisted,
        dataset=snakemake.wildcards.dataset,
    )
