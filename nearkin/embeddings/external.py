"""Embeddings made elsewhere, converted to the form of our own."""

import hashlib
import logging
import unicodedata
from typing import cast

import numpy as np
import polars as pl

logger = logging.getLogger(__name__)

VECTOR_NAMES = ("emb", "embedding", "embeddings", "vector", "features")


def import_vectors(table: pl.DataFrame, inspection: pl.DataFrame, *, source: str) -> pl.DataFrame:
    """The `Embeddings` table of a shard's readable images, from a table made elsewhere.

    `table` has `uuid` or `path` (as in `inspection`) and one column of vectors, of any float
    type; they are scaled to unit length. Rows of other images are ignored. Raises
    ValueError, naming `source`, for an image without a vector or with two, for vectors of
    different widths, NaN, infinity and zero.
    """
    column, width = _find_vector_column(table, source)
    key = _find_key_column(table, source)
    readable = inspection.filter(pl.col("error").is_null()).select("uuid", "path", "sha256").sort("uuid")
    foreign = table.select(
        pl.col(key).cast(pl.String).map_elements(_normalise_unicode, return_dtype=pl.String), column
    )
    images = readable.with_columns(
        pl.col(key).map_elements(_normalise_unicode, return_dtype=pl.String).alias("key")
    )
    foreign = foreign.rename({key: "key", column: "emb"})
    joined = images.join(foreign, on="key", how="left", maintain_order="left")
    for rows, what in [
        (joined.filter(pl.col("emb").is_null()), "has no vector"),
        (joined.filter(pl.col("uuid").is_duplicated()), "has several vectors"),
    ]:
        if len(rows):
            first = rows.row(0, named=True)
            raise ValueError(
                f"{source}: image {first['path']} ({first['uuid']}) {what}; {len(rows)} such rows"
            )
    vectors = _normalise(joined, width, source)
    logger.info("%d of %d vectors taken", len(joined), len(table))
    return joined.select("uuid", "sha256", emb=pl.Series(vectors, dtype=pl.Array(pl.Float32, width)))


def fingerprint_table(table: pl.DataFrame, source: str) -> str:
    """A digest of the vectors and their keys, in place of an encoder's fingerprint."""
    column, _ = _find_vector_column(table, source)
    key = _find_key_column(table, source)
    digest = hashlib.sha256(str([key, column]).encode())
    for name in table[key].cast(pl.String):
        digest.update(repr(name).encode())
    values = table[column].explode().cast(pl.Float64)
    digest.update(np.ascontiguousarray(values.to_numpy()).tobytes())
    return digest.hexdigest()


def _find_key_column(table: pl.DataFrame, source: str) -> str:
    """The name of the column that identifies the image of a row."""
    key = "uuid" if "uuid" in table.columns else "path"
    if key not in table.columns:
        raise ValueError(f"{source}: neither uuid nor path among its columns {table.columns}")
    kind = table.schema[key]
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        raise ValueError(
            f"{source}: column {key!r} is {kind}, not a text; write each image's {key} as a text"
        )
    return key


def _find_vector_column(table: pl.DataFrame, source: str) -> tuple[str, int]:
    """The name of the vector column and its width."""
    usual = [name for name in VECTOR_NAMES if name in table.columns]
    lists = [name for name, kind in table.schema.items() if isinstance(kind, pl.List | pl.Array)]
    candidates = usual or lists
    if len(candidates) == 1 and candidates[0] not in lists:
        kind = table.schema[candidates[0]]
        raise ValueError(f"{source}: column {candidates[0]!r} is {kind}, not a list of numbers")
    if len(candidates) != 1:
        raise ValueError(
            f"{source}: which column holds the vectors? found {candidates or table.columns}; call it emb"
        )
    kind = cast(pl.List | pl.Array, table.schema[candidates[0]])
    if not kind.inner.is_numeric():
        raise ValueError(f"{source}: column {candidates[0]!r} holds {kind.inner}, not numbers")
    if isinstance(kind, pl.Array):
        return candidates[0], kind.size
    widths = table[candidates[0]].drop_nulls().list.len().unique().to_list()
    if len(widths) != 1:
        raise ValueError(f"{source}: vectors of different widths: {sorted(widths)[:5]}")
    return candidates[0], widths[0]


def _normalise(table: pl.DataFrame, width: int, source: str) -> np.ndarray:
    """The column `emb` as unit vectors: float32 (n, width); `path` names an image in errors."""
    values = table["emb"].explode() if len(table) else pl.Series([], dtype=pl.Float64)
    vectors = values.cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(-1, width)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    is_wrong = ~np.isfinite(length[:, 0]) | (length[:, 0] == 0)
    if is_wrong.any():
        image = table["path"][int(is_wrong.argmax())]
        raise ValueError(f"{source}: the vector of image {image} is zero or not finite; leave no such rows")
    return (vectors / length).astype(np.float32)


def _normalise_unicode(name: str) -> str:
    return unicodedata.normalize("NFC", name)
