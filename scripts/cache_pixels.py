"""The images of a shard, decoded, resized and cropped once for all models that see them so."""

from nearkin.logs import log_to
from nearkin.pixels import write_pixels
from nearkin.tables import io
from nearkin.tables.images import Inspection


def cache_pixels(inspection_path, pixels_path, *, seen, n_threads):
    write_pixels(io.read(inspection_path, Inspection), pixels_path, seen=seen, n_threads=n_threads)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    cache_pixels(
        inspection_path=snakemake.input.inspection,
        pixels_path=snakemake.output.pixels,
        seen=snakemake.params.seen,
        n_threads=snakemake.threads,
    )
