"""The images of a shard, decoded, resized and cropped once for all models with this preprocessing."""

from nearkin.images.pixel_cache import write_cache
from nearkin.images.source import Preprocessing
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.storage.reuse import earlier_path, keep_for_reuse
from nearkin.tables.images import Inspection


def cache_pixels(
    inspection_path: str, pixels_path: str, *, preprocessing: Preprocessing, n_threads: int
) -> None:
    inspection = tables.read(inspection_path, Inspection)
    write_cache(
        inspection,
        pixels_path,
        earlier_path=earlier_path(pixels_path),
        preprocessing=preprocessing,
        n_threads=n_threads,
    )
    keep_for_reuse(pixels_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, part=True):
        cache_pixels(
            inspection_path=snakemake.input.inspection,
            pixels_path=snakemake.output.pixels,
            preprocessing=snakemake.params.preprocessing,
            n_threads=snakemake.threads,
        )
