"""One row per delivered image file or listed name, exactly as delivered."""

import logging
from collections.abc import Sequence

from nearkin.runtime.logs import setup_logging
from nearkin.sources import folders, image_table, vlm4bio
from nearkin.sources.folder_digest import digest_folder
from nearkin.storage import tables
from nearkin.storage.lineage import StaleError, trace_inputs
from nearkin.tables.images import Images

logger = logging.getLogger(__name__)


def list_images(
    folder: str,
    images_path: str,
    *,
    layout: str,
    source_id: str,
    captions_table: str | None,
    table: image_table.TableSettings | None,  # for the layout `table`
    unlisted: str,
    track_changes: bool,
    planned_digest: str | None,
    dataset: str,
    trusted: Sequence[str] = (),
) -> None:
    """`planned_digest` is the digest that the folder had when the run was planned, if it is watched."""
    if table is not None:
        images = image_table.list_images(folder, source_id, **table, unlisted=unlisted, trusted=trusted)
    elif layout == "folders":
        images = folders.list_images(folder, source_id, captions_table=captions_table, trusted=trusted)
    else:
        images = vlm4bio.list_images(
            folder, source_id, captions_table=captions_table, unlisted=unlisted, trusted=trusted
        )
    digest = digest_folder(folder, trusted) if track_changes else None
    if planned_digest and digest != planned_digest:
        raise StaleError(f"{folder}: was changed while it was listed; rerun")
    # What is in the images is read by later steps: another listing is another table, whatever its rows.
    tables.write(images, images_path, Images, dataset=dataset, folder_digest=digest)
    n_files = images["path"].n_unique() - images["path"].is_null().any()
    logger.info("%d rows, %d files listed from %s", len(images), n_files, folder)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, outside=snakemake.params.outside):
        list_images(
            folder=snakemake.params.folder,
            images_path=snakemake.output.images,
            layout=snakemake.params.layout,
            source_id=snakemake.params.source_id,
            captions_table=snakemake.params.captions_table,
            table=snakemake.params.table,
            unlisted=snakemake.params.unlisted,
            trusted=snakemake.params.trusted,
            track_changes=snakemake.params.track_changes,
            planned_digest=snakemake.params.planned_digest,
            dataset=snakemake.wildcards.dataset,
        )
