"""Thumbnails of image files for the report and the contact sheets."""

import hashlib
import io
from collections.abc import Callable, Iterable
from typing import BinaryIO

import polars as pl
from PIL import Image
from tqdm import tqdm

from nearkin.images.decode import ImageProblem, decode_rgb_reduced
from nearkin.runtime.prefetch import thread_map_ordered
from nearkin.sources.safe_paths import AnyPath, safe_opener
from nearkin.tables.gallery import Thumbnails

VERSION = "1"
"""To be increased when the same image would get another thumbnail."""

SIDE_PIXELS = 96
"""The longer side."""

QUALITY = 70
N_PREFETCHED = 64
"""Thumbnails that wait in memory."""

SCHEMA = {name: column.dtype for name, column in Thumbnails.columns().items()}


def make_thumbnails(
    inspection: pl.DataFrame,
    folder: AnyPath,
    *,
    max_megapixels: float,
    n_threads: int,
    previous: pl.DataFrame,
    trusted: Iterable[AnyPath] = (),
) -> tuple[pl.DataFrame, int]:
    """The `Thumbnails` of the images of an inspection, and how many rows were taken from `previous`.

    `previous` is an earlier table, whose thumbnails of the same bytes are reused. A thumbnail is nothing
    but pixels: no EXIF, profile or text of its file. Raises ValueError, naming the file, if a file has
    changed since its inspection.
    """
    images = inspection.filter(pl.col("error").is_null()).select("uuid", "path", "sha256").sort("uuid")
    reused = previous.join(images, on=["uuid", "sha256"], how="semi")
    missing = images.join(reused, on="uuid", how="anti", maintain_order="left")
    open_file = safe_opener(folder, trusted)

    def make_row(image: tuple[str, str, str]) -> tuple[str, str, bytes, int, int]:
        uuid, path, sha256 = image
        data = _read_unchanged(open_file, path, sha256)
        return uuid, sha256, *_make_jpeg(data, path, max_megapixels * 1e6)

    rows = thread_map_ordered(make_row, missing.iter_rows(), n_threads=n_threads, n_ahead=N_PREFETCHED)
    rows = list(tqdm(rows, total=len(missing), desc="draw", unit="image", disable=None))
    new = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return pl.concat([reused.select(new.columns), new]).sort("uuid"), len(reused)


def _read_unchanged(open_file: Callable[[str], BinaryIO], path: str, sha256: str) -> bytes:
    """The bytes of a file. Raises ValueError if they are not those of its inspection."""
    try:
        with open_file(path) as file:
            data = file.read()
    except OSError as error:
        raise ValueError(f"{path}: gone since inspection ({error}); rerun inspect_images") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{path}: changed since inspection; rerun inspect_images")
    return data


def _make_jpeg(data: bytes, path: str, max_pixels: float) -> tuple[bytes, int, int]:
    """The bytes of a JPEG, its width and its height."""
    try:
        image = decode_rgb_reduced(data, max_pixels, side=2 * SIDE_PIXELS)
    except ImageProblem as error:
        raise ValueError(
            f"{path}: readable when inspected, but now {error.problem}: {error.detail}"
        ) from error
    image.thumbnail((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.LANCZOS)
    bare = Image.new("RGB", image.size)
    bare.paste(image)  # `image` still has the metadata of the file
    file = io.BytesIO()
    bare.save(file, format="JPEG", quality=QUALITY, optimize=True)
    return file.getvalue(), bare.width, bare.height
