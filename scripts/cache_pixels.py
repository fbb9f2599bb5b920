"""The images of a shard, decoded, resized and cropped once for all models that see them so."""

from nearkin.logs import log_to
from nearkin.pixels import write_pixels
from nearkin.tables import io
from nearkin.tables.images import Inspection


def cache_pixels(inspection_path, pixels_path, *, folder, geometry, max_megapixels):
    inspection = io.read(inspection_path, Inspection)
    write_pixels(inspection, pixels_path, folder=folder, geometry=geometry, max_megapixels=max_megapixels)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    cache_pixels(
        inspection_path=snakemake.input.inspection,
        pixels_path=snakemake.output.pixels,
        folder=snakemake.params.folder,
        geometry=snakemake.params.geometry,
        max_megapixels=snakemake.params.max_megapixels,
    )
