"""Small pictures of image files, for people to look at."""

import hashlib
import io
from collections.abc import Iterable

import polars as pl
from PIL import Image
from tqdm import tqdm

from nearkin.images.decode import ImageProblem, decode_rgb_reduced
from nearkin.runtime.prefetch import thread_map_ordered
from nearkin.sources.safe_paths import AnyPath, safe_opener
from nearkin.tables.gallery import Thumbnails

VERSION = "1"
"""Goes up when the same image would get another picture."""

SIDE_PIXELS = 96
"""Pixels of the longer side."""

QUALITY = 70
N_PREFETCHED = 64
"""Pictures that wait in memory."""

SCHEMA = {name: column.dtype for name, column in Thumbnails.columns().items()}


def make_thumbnails(
    inspection: pl.DataFrame,
    folder: AnyPath,
    *,
    max_megapixels: float,
    n_threads: int,
    known: pl.DataFrame,
    trusted: Iterable[AnyPath] = (),
) -> tuple[pl.DataFrame, int]:
    """The `Thumbnails` of the images of an inspection, and how many rows were taken from `known`.

    `known` is an earlier table: what it holds of the same bytes is kept. A picture is nothing
    but pixels: no EXIF, profile or text of its file. Raises ValueError, naming the file, for one
    that is no longer what was inspected.
    """
    images = inspection.filter(pl.col("error").is_null()).select("uuid", "path", "sha256").sort("uuid")
    reused = known.join(images, on=["uuid", "sha256"], how="semi")
    missing = images.join(reused, on="uuid", how="anti", maintain_order="left")
    opened = safe_opener(folder, trusted)

    def drawn(row):
        uuid, path, sha256 = row
        picture = _make_jpeg(_read_unchanged(opened, path, sha256), path, max_megapixels * 1e6)
        return uuid, sha256, *picture

    rows = thread_map_ordered(drawn, missing.iter_rows(), n_threads=n_threads, n_ahead=N_PREFETCHED)
    rows = list(tqdm(rows, total=len(missing), desc="draw", unit="image", disable=None))
    new = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return pl.concat([reused.select(new.columns), new]).sort("uuid"), len(reused)


def _read_unchanged(opened, path, sha256):
    try:
        with opened(path) as file:
            data = file.read()
    except OSError as error:
        raise ValueError(f"{path}: gone since inspection ({error}); rerun inspect_images") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{path}: changed since inspection; rerun inspect_images")
    return data


def _make_jpeg(data, path, max_pixels):
    """A JPEG with its width and height."""
    try:
        image = decode_rgb_reduced(data, max_pixels, side=2 * SIDE_PIXELS)
    except ImageProblem as error:
        raise ValueError(
            f"{path}: readable when inspected, but now {error.problem}: {error.detail}"
        ) from error
    image.thumbnail((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.LANCZOS)
    bare = Image.new("RGB", image.size)
    bare.paste(image)  # `image` still carries what the file said about itself
    file = io.BytesIO()
    bare.save(file, format="JPEG", quality=QUALITY, optimize=True)
    return file.getvalue(), bare.width, bare.height
