"""Small pictures of the images of a shard that are shown on the report or a contact sheet."""

import logging
from collections.abc import Sequence

import polars as pl

from nearkin.gallery import thumbnails
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import library_versions, trace_inputs
from nearkin.storage.reuse import earlier_path, keep_for_reuse
from nearkin.tables.gallery import ContactSheetEntries, ExampleNeighbours, Thumbnails
from nearkin.tables.images import Inspection

logger = logging.getLogger(__name__)


def draw_thumbnails(
    inspection_path: str,
    examples_paths: Sequence[str],
    contact_sheets_paths: Sequence[str],
    thumbnails_path: str,
    *,
    folder: str,
    max_megapixels: float,
    n_threads: int,
    dataset: str,
    trusted: Sequence[str] = (),
) -> None:
    shown = [
        *(tables.read(path, ExampleNeighbours, columns=["query", "neighbour"]) for path in examples_paths),
        *(
            tables.read(path, ContactSheetEntries, columns=["query", "neighbour"])
            for path in contact_sheets_paths
        ),
    ]
    wanted = pl.concat(frame.select(uuid=name) for frame in shown for name in frame.columns).unique()
    inspection = tables.read(inspection_path, Inspection, columns=["uuid", "path", "error", "sha256"])
    metadata = {"version": thumbnails.VERSION} | library_versions("pillow")
    table, n_reused = thumbnails.make_thumbnails(
        inspection.join(wanted, on="uuid", how="semi"),
        folder,
        max_megapixels=max_megapixels,
        n_threads=n_threads,
        trusted=trusted,
        previous=tables.read_if_current(earlier_path(thumbnails_path), Thumbnails, **metadata),
    )
    tables.write(table, thumbnails_path, Thumbnails, dataset=dataset, **metadata)
    keep_for_reuse(thumbnails_path)
    n_new = len(table) - n_reused
    counts = {"images drawn": n_new, "reused": n_reused}
    logger.info("drew %d, reused %d", n_new, n_reused, extra={"counts": counts})


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, part=True):
        draw_thumbnails(
            inspection_path=snakemake.input.inspection,
            examples_paths=snakemake.input.examples,
            contact_sheets_paths=snakemake.input.contact_sheets,
            thumbnails_path=snakemake.output.thumbnails,
            folder=snakemake.params.folder,
            max_megapixels=snakemake.params.max_megapixels,
            trusted=snakemake.params.trusted,
            n_threads=snakemake.threads,
            dataset=snakemake.wildcards.dataset,
        )
