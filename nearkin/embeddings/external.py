"""Embeddings made elsewhere, brought to the form of our own."""

import hashlib
import logging
import unicodedata

import numpy as np
import polars as pl

logger = logging.getLogger(__name__)

VECTOR_NAMES = ("emb", "embedding", "embeddings", "vector", "features")


def import_vectors(table, inspection, *, source):
    """The `embeddings` table of a shard's readable images, from a table made elsewhere.

    `table` has `uuid` or `path` (as in `inspection`) and one column of vectors, of any float
    type; they are brought to unit length. Rows of other images are ignored. Raises
    ValueError, naming `source`, for an image without a vector or with two, for vectors of
    different widths, NaN, infinity and zero.
    """
    column, width = _find_vector_column(table, source)
    key = _find_key_column(table, source)
    wanted = inspection.filter(pl.col("error").is_null()).select("uuid", "path", "sha256").sort("uuid")
    given = table.select(
        pl.col(key).cast(pl.String).map_elements(_normalise_unicode, return_dtype=pl.String), column
    )
    own = wanted.with_columns(
        pl.col(key).map_elements(_normalise_unicode, return_dtype=pl.String).alias("key")
    )
    found = own.join(given.rename({key: "key", column: "emb"}), on="key", how="left", maintain_order="left")
    for rows, what in [
        (found.filter(pl.col("emb").is_null()), "has no vector"),
        (found.filter(pl.col("uuid").is_duplicated()), "has several vectors"),
    ]:
        if len(rows):
            first = rows.row(0, named=True)
            raise ValueError(
                f"{source}: image {first['path']} ({first['uuid']}) {what}; {len(rows)} such rows"
            )
    vectors = _normalise(found, width, source)
    logger.info("%d of %d vectors taken", len(found), len(table))
    return found.select("uuid", "sha256", emb=pl.Series(vectors, dtype=pl.Array(pl.Float32, width)))


def fingerprint_table(table, source):
    """A digest of the vectors and their keys: what stands in for an encoder's fingerprint."""
    column, _ = _find_vector_column(table, source)
    key = _find_key_column(table, source)
    digest = hashlib.sha256(str([key, column]).encode())
    for name in table[key].cast(pl.String):
        digest.update(repr(name).encode())
    values = table[column].explode().cast(pl.Float64)
    digest.update(np.ascontiguousarray(values.to_numpy()).tobytes())
    return digest.hexdigest()


def _find_key_column(table: pl.DataFrame, source: str) -> str:
    """The name of the column that says which image a row is of."""
    key = "uuid" if "uuid" in table.columns else "path"
    if key not in table.columns:
        raise ValueError(f"{source}: neither uuid nor path among its columns {table.columns}")
    kind = table.schema[key]
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        raise ValueError(
            f"{source}: column {key!r} is {kind}, not a text; write each image's {key} as a text"
        )
    return key


def _find_vector_column(table, source):
    """The name of the vector column and its width."""
    named = [name for name in VECTOR_NAMES if name in table.columns]
    lists = [name for name, kind in table.schema.items() if isinstance(kind, pl.List | pl.Array)]
    candidates = named or lists
    if len(candidates) == 1 and candidates[0] not in lists:
        kind = table.schema[candidates[0]]
        raise ValueError(f"{source}: column {candidates[0]!r} is {kind}, not a list of numbers")
    if len(candidates) != 1:
        raise ValueError(
            f"{source}: which column holds the vectors? found {candidates or table.columns}; call it emb"
        )
    kind = table.schema[candidates[0]]
    if not kind.inner.is_numeric():
        raise ValueError(f"{source}: column {candidates[0]!r} holds {kind.inner}, not numbers")
    if isinstance(kind, pl.Array):
        return candidates[0], kind.size
    widths = table[candidates[0]].drop_nulls().list.len().unique().to_list()
    if len(widths) != 1:
        raise ValueError(f"{source}: vectors of different widths: {sorted(widths)[:5]}")
    return candidates[0], widths[0]


def _normalise(found, width, source):
    values = found["emb"].explode() if len(found) else pl.Series([], dtype=pl.Float64)
    vectors = values.cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(-1, width)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    wrong = ~np.isfinite(length[:, 0]) | (length[:, 0] == 0)
    if wrong.any():
        image = found["path"][int(wrong.argmax())]
        raise ValueError(f"{source}: the vector of image {image} is zero or not finite; leave no such rows")
    return (vectors / length).astype(np.float32)


def _normalise_unicode(name):
    return unicodedata.normalize("NFC", name)
