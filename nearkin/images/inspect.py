"""What is in the image files: can they be read, their size, their thumbnails and hashes."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable
from io import BufferedReader
from typing import BinaryIO, cast

import numpy as np
import polars as pl
from tqdm import tqdm

from nearkin.images import dhash
from nearkin.images.decode import ImageData, ImageProblem, decode_gray
from nearkin.sources.safe_paths import AnyPath, raise_if_unreadable, safe_opener
from nearkin.tables.images import VIEWS, Inspection

logger = logging.getLogger(__name__)

SCHEMA = {name: column.dtype for name, column in Inspection.columns().items()}

HASH_SCHEMA = {name: SCHEMA[name] for name in ("dhash", "dhash_of_views")}

CHUNK_BYTES = 2**26
"""Size up to which a file is read into memory; larger ones are read piece by piece."""

HASH_CHUNK_ROWS = 256


def inspect_files(
    images: pl.DataFrame,
    folder: AnyPath,
    *,
    max_megapixels: float,
    earlier: pl.DataFrame,
    trusted: Iterable[AnyPath] = (),
) -> tuple[pl.DataFrame, int]:
    """The Inspection table of the files in `images`, and how many rows were taken from `earlier`.

    `earlier` is an earlier Inspection table under the same limit: a file whose bytes are the same
    is not decoded again. Rows without a file, and links that lead out of the folder, are skipped; two
    files of one uuid (Unicode forms of one name) give the first one's row. One image is in
    memory at a time. Raises UnreadableError for a file that the system does not let us read.
    """
    files = images.filter(pl.col("path").is_not_null(), pl.col("match_kind") != "outside_folder")
    files = files.select("uuid", "path").unique("uuid", keep="first", maintain_order=True)
    reusable = {row["uuid"]: row for row in earlier.iter_rows(named=True)}
    open_file = safe_opener(folder, trusted)
    rows, n_reused = [], 0
    for uuid, path in tqdm(files.iter_rows(), total=len(files), unit="image", disable=None):
        row, is_reused = _inspect_file(uuid, path, open_file, max_megapixels * 1e6, reusable.get(uuid))
        rows.append(row)
        n_reused += is_reused
    table = add_hashes(pl.DataFrame(rows, schema=SCHEMA))
    for problem, n in table.drop_nulls("error").group_by("error").len().sort("error").iter_rows():
        logger.warning("files that cannot be used (%s): %d", problem, n)
    return table, n_reused


def _inspect_file(
    uuid: str,
    path: str,
    open_file: Callable[[str], BinaryIO],
    max_pixels: float,
    known: dict[str, object] | None,
) -> tuple[dict[str, object], bool]:
    """The row of a file, and whether it is the `known` one."""
    row: dict[str, object] = {"uuid": uuid, "path": path}
    try:
        file = open_file(path)
    except (OSError, ValueError) as error:
        sha256_of_nothing = hashlib.sha256().hexdigest()
        row |= {"error": "unreadable", "detail": str(error), "n_bytes": 0, "sha256": sha256_of_nothing}
        return row, False
    with file, raise_if_unreadable(path):
        row["n_bytes"] = n_bytes = os.fstat(file.fileno()).st_size
        if n_bytes <= CHUNK_BYTES:
            source = file.read()
            row["sha256"] = hashlib.sha256(source).hexdigest()
        else:
            source = file
            row["sha256"] = hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()
            file.seek(0)
        if known and known["sha256"] == row["sha256"] and known["path"] == path:
            return known, True
        return row | _read_content(source, max_pixels), False


def _read_content(source: ImageData, max_pixels: float) -> dict[str, object]:
    try:
        image, kind, mode, orientation = decode_gray(source, max_pixels)
    except ImageProblem as problem:
        return {"error": problem.problem, "detail": problem.detail}
    return {
        "format": kind,
        "mode": mode,
        "width": image.width,
        "height": image.height,
        "exif_orientation": orientation,
        "thumbnail": dhash.make_thumbnail(image),
    }


def add_hashes(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the hashes of its thumbnails; any earlier ones are replaced."""
    has_thumbnail = table["thumbnail"].is_not_null()
    small = dhash.to_array(table["thumbnail"].drop_nulls())
    chunks = [
        _compute_hashes(small[start : start + HASH_CHUNK_ROWS])
        for start in range(0, len(small), HASH_CHUNK_ROWS)
    ]
    hashes = pl.concat([pl.DataFrame(schema=HASH_SCHEMA), *chunks])
    no_hashes = pl.DataFrame({name: [None] for name in HASH_SCHEMA}, schema=HASH_SCHEMA)
    at = np.where(has_thumbnail, has_thumbnail.cum_sum() - 1, len(hashes))
    return table.with_columns(pl.concat([hashes, no_hashes])[at])


def _compute_hashes(small: np.ndarray) -> pl.DataFrame:
    small = small.astype(np.float64)
    views = np.stack([dhash.compute_dhash(small, view) for view in VIEWS], axis=1)
    coarse = [f"{whole:016x}" for whole in dhash.compute_dhash(small, "whole").tolist()]
    return pl.DataFrame({"dhash": coarse, "dhash_of_views": views}, schema=HASH_SCHEMA)
