"""What is in the image files: can they be read, their size, their hashes."""

import hashlib
import logging
from contextlib import ExitStack

import numpy as np
import polars as pl
from PIL import Image
from tqdm import tqdm

from nearkin.decode import ImageProblem, decode
from nearkin.sources.contained import within
from nearkin.tables.images import Inspection

logger = logging.getLogger(__name__)

SCHEMA = {name: column.dtype for name, column in Inspection.columns().items()}


def inspect(images, folder, *, max_megapixels, known):
    """The Inspection table of the files in `images`, and how many rows were taken from `known`.

    `known` is an earlier Inspection table under the same limit: a file whose bytes are the same
    is not decoded again. Rows without a file, and links that lead out of the folder, are passed over; two
    files of one uuid (Unicode forms of one name) give the first one's row. One image is in
    memory at a time.
    """
    files = images.filter(pl.col("path").is_not_null(), pl.col("match") != "outside")
    files = files.select("uuid", "path").unique("uuid", keep="first", maintain_order=True)
    reusable = {row["uuid"]: row for row in known.iter_rows(named=True)}
    rows, n_reused = [], 0
    for uuid, path in tqdm(files.iter_rows(), total=len(files), unit="image", disable=None):
        row, reused = _row(uuid, path, folder, max_megapixels * 1e6, reusable.get(uuid))
        rows.append(row)
        n_reused += reused
    table = pl.DataFrame(rows, schema=SCHEMA)
    for problem, n in table.drop_nulls("problem").group_by("problem").len().sort("problem").iter_rows():
        logger.warning("%d files: %s", n, problem)
    return table, n_reused


def _row(uuid, path, folder, max_pixels, known):
    row = dict.fromkeys(SCHEMA) | {"uuid": uuid, "path": path}
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(within(folder, path), "rb"))
        except (OSError, ValueError) as error:
            nothing = hashlib.sha256().hexdigest()
            return row | {
                "problem": "unreadable",
                "detail": str(error),
                "n_bytes": 0,
                "sha256": nothing,
            }, False
        row["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        row["n_bytes"] = file.tell()
        if known and known["sha256"] == row["sha256"] and known["path"] == path:
            return known, True
        file.seek(0)
        return row | _content(file, max_pixels), False


def _content(file, max_pixels):
    try:
        image, kind, mode = decode(file, max_pixels)
    except ImageProblem as problem:
        return {"problem": problem.problem, "detail": problem.detail}
    return {"format": kind, "mode": mode, "width": image.width, "height": image.height} | hashes(image)


def hashes(image):
    """Two difference hashes and the mean colours of 4 x 4 tiles of an RGB image, in hexadecimal.

    A difference hash has a bit per pair of horizontal neighbours in the shrunken grey image:
    is it growing brighter to the right? Source: imagehash.dhash, on a 64 x 64 image.
    """
    small = image.resize((64, 64), Image.Resampling.BOX)
    grey = small.convert("L")
    colours = np.asarray(small.resize((4, 4), Image.Resampling.BOX))
    return {
        "coarse_hash": _difference_hash(grey, 8),
        "fine_hash": _difference_hash(grey, 16),
        "colours": colours.tobytes().hex(),
    }


def _difference_hash(grey, side):
    shrunken = np.asarray(grey.resize((side + 1, side), Image.Resampling.LANCZOS), dtype=np.int16)
    return np.packbits(shrunken[:, 1:] > shrunken[:, :-1]).tobytes().hex()
