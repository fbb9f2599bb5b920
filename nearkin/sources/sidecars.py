"""Captions in text files next to their images: `x.txt` or `x.jpg.txt` for `x.jpg`."""

import codecs
import logging
from collections.abc import Iterable

import polars as pl
from tqdm import tqdm

from nearkin.sources.safe_paths import AnyPath, raise_if_unreadable, resolve_inside
from nearkin.sources.walk import IMAGE_SUFFIXES

logger = logging.getLogger(__name__)

MAX_BYTES = 2**16
"""Bytes that are read of a sidecar file; captions are far shorter, and many must fit into memory."""

IMAGE_SUFFIX = r"(?i)\.(" + "|".join(suffix[1:] for suffix in IMAGE_SUFFIXES) + r")$"


def read_sidecars(
    folder: AnyPath, files: list[str], images: pl.Series, trusted: Iterable[AnyPath] = ()
) -> pl.DataFrame:
    """`path` and `sidecar` (its text) of those images of a folder that have a text file next to them.

    `files` are all files of the folder and `images` paths of images, each once. With both
    kinds of name, the one with the image's suffix counts. A text longer than MAX_BYTES is cut
    and one that is no longer there left out, with a note in the log. Raises UnreadableError.
    """
    paths = pl.Series("text", [path for path in files if path.lower().endswith(".txt")], dtype=pl.String)
    owner = pl.col("text").str.head(-len(".txt")).str.normalize("NFC")
    owned = paths.to_frame().with_columns(owner=owner).unique("owner", keep="first", maintain_order=True)
    path = pl.col("path").str.normalize("NFC")
    rows = images.to_frame("path")
    by_name = rows.with_columns(owner=path).join(owned, on="owner")
    by_stem = rows.with_columns(owner=path.str.replace(IMAGE_SUFFIX, "")).join(owned, on="owner")
    pairs = pl.concat([by_name, by_stem]).unique("path", keep="first", maintain_order=True).sort("path")
    names = pairs["text"].unique(maintain_order=True)
    texts = [_read_sidecar(folder, name, trusted) for name in tqdm(names, unit=" sidecars", disable=None)]
    sidecars = names.to_frame().with_columns(sidecar_caption=pl.Series(texts, dtype=pl.String))
    captioned = pairs.join(sidecars, on="text").select("path", "sidecar_caption").drop_nulls()
    logger.info("%d of %d images have a text file next to them", len(captioned), len(images))
    return captioned


def _read_sidecar(folder: AnyPath, path: str, trusted: Iterable[AnyPath]) -> str | None:
    try:
        with raise_if_unreadable(path), open(resolve_inside(folder, path, trusted), "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        logger.warning("no caption taken from a text file: %s: %s", path, error)
        return None
    if len(data) > MAX_BYTES:
        logger.warning("text file longer than %d bytes, cut there: %s", MAX_BYTES, path)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data[:MAX_BYTES].decode("utf-16", errors="replace")
    try:
        # A character that the cut splits is left out.
        return codecs.getincrementaldecoder("utf-8-sig")().decode(
            data[:MAX_BYTES], final=len(data) <= MAX_BYTES
        )
    except UnicodeDecodeError:
        return data[:MAX_BYTES].decode("cp1252", errors="replace")
