"""What is in the image files: can they be read, their size, their thumbnails and hashes."""

import hashlib
import logging
import os
from collections.abc import Iterable

import numpy as np
import polars as pl
from tqdm import tqdm

from nearkin.images import dhash
from nearkin.images.decode import ImageProblem, decode_grey
from nearkin.sources.safe_paths import AnyPath, opener, readable
from nearkin.tables.images import VIEWS, Inspection

logger = logging.getLogger(__name__)

SCHEMA = {name: column.dtype for name, column in Inspection.columns().items()}

HASHES = {name: SCHEMA[name] for name in ("coarse_hash", "view_hashes")}

AT_ONCE = 2**26
"""Bytes of a file that is read into memory; larger ones are read piece by piece."""

HASHED_AT_ONCE = 256


def inspect_files(
    images: pl.DataFrame,
    folder: AnyPath,
    *,
    max_megapixels: float,
    known: pl.DataFrame,
    trusted: Iterable[AnyPath] = (),
) -> tuple[pl.DataFrame, int]:
    """The Inspection table of the files in `images`, and how many rows were taken from `known`.

    `known` is an earlier Inspection table under the same limit: a file whose bytes are the same
    is not decoded again. Rows without a file, and links that lead out of the folder, are passed over; two
    files of one uuid (Unicode forms of one name) give the first one's row. One image is in
    memory at a time. Raises Unreadable for a file that the system does not let us read.
    """
    files = images.filter(pl.col("path").is_not_null(), pl.col("match") != "outside")
    files = files.select("uuid", "path").unique("uuid", keep="first", maintain_order=True)
    reusable = {row["uuid"]: row for row in known.iter_rows(named=True)}
    opened = opener(folder, trusted)
    rows, n_reused = [], 0
    for uuid, path in tqdm(files.iter_rows(), total=len(files), unit="image", disable=None):
        row, reused = _row(uuid, path, opened, max_megapixels * 1e6, reusable.get(uuid))
        rows.append(row)
        n_reused += reused
    table = with_hashes(pl.DataFrame(rows, schema=SCHEMA))
    for problem, n in table.drop_nulls("problem").group_by("problem").len().sort("problem").iter_rows():
        logger.warning("files that cannot be used (%s): %d", problem, n)
    return table, n_reused


def _row(uuid, path, opened, max_pixels, known):
    row = {"uuid": uuid, "path": path}
    try:
        file = opened(path)
    except (OSError, ValueError) as error:
        nothing = hashlib.sha256().hexdigest()
        row |= {"problem": "unreadable", "detail": str(error), "n_bytes": 0, "sha256": nothing}
        return row, False
    with file, readable(path):
        row["n_bytes"] = os.fstat(file.fileno()).st_size
        if row["n_bytes"] <= AT_ONCE:
            source = file.read()
            row["sha256"] = hashlib.sha256(source).hexdigest()
        else:
            source = file
            row["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
        if known and known["sha256"] == row["sha256"] and known["path"] == path:
            return known, True
        return row | _content(source, max_pixels), False


def _content(source, max_pixels):
    try:
        image, kind, mode, orientation = decode_grey(source, max_pixels)
    except ImageProblem as problem:
        return {"problem": problem.problem, "detail": problem.detail}
    return {
        "format": kind,
        "mode": mode,
        "width": image.width,
        "height": image.height,
        "orientation": orientation,
        "thumbnail": dhash.thumbnail(image),
    }


def with_hashes(table):
    """The table with the hashes of its thumbnails, whatever it had before."""
    with_thumbnail = table["thumbnail"].is_not_null()
    small = dhash.unpacked(table["thumbnail"].drop_nulls())
    found = [_hashes(small[start : start + HASHED_AT_ONCE]) for start in range(0, len(small), HASHED_AT_ONCE)]
    hashes = pl.concat([pl.DataFrame(schema=HASHES), *found])
    nothing = pl.DataFrame({name: [None] for name in HASHES}, schema=HASHES)
    at = np.where(with_thumbnail, with_thumbnail.cum_sum() - 1, len(hashes))
    return table.with_columns(pl.concat([hashes, nothing])[at])


def _hashes(small):
    small = small.astype(np.float64)
    views = np.stack([dhash.hashes(small, view) for view in VIEWS], axis=1)
    coarse = [f"{whole:016x}" for whole in dhash.hashes(small, "whole").tolist()]
    return pl.DataFrame({"coarse_hash": coarse, "view_hashes": views}, schema=HASHES)
