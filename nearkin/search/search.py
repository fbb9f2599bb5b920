"""The neighbours of a protocol's queries."""

from collections.abc import Callable, Iterable

import numpy as np
import polars as pl

from nearkin.search import exact_knn
from nearkin.search.protocols import select_queries_and_gallery


def search_protocol(
    splits: pl.DataFrame,
    vectors_of: Callable[[pl.Series], np.ndarray],
    *,
    protocol: str,
    depth: int,
    exclude_same_group: bool,
    chunk: int = 0,
    n_chunks: int = 1,
) -> pl.DataFrame:
    """The `Neighbours` of one protocol, for the queries of one of `n_chunks` even chunks.

    `vectors_of` gives the unit vectors (n, width) of a series of uuids. A query never finds
    itself, nor, with `exclude_same_group`, an image of its own group.
    """
    code = pl.col("group_id" if exclude_same_group else "uuid").rank("dense").cast(pl.Int64)
    queries, gallery = select_queries_and_gallery(splits.with_columns(code=code), protocol)
    queries = select_chunk(queries, chunk, n_chunks)
    if queries.is_empty() or gallery.is_empty():
        return _make_table(protocol, queries["uuid"], gallery["uuid"], [])
    depth = min(depth, len(gallery))
    vectors, codes = vectors_of(gallery["uuid"]), gallery["code"].to_numpy()
    if queries.equals(gallery):
        blocks = exact_knn.self_knn(vectors, codes, depth=depth)
    else:
        own = vectors_of(queries["uuid"]), queries["code"].to_numpy()
        blocks = exact_knn.knn(*own, vectors, codes, depth=depth)
    return _make_table(protocol, queries["uuid"], gallery["uuid"], blocks)


def select_chunk(queries: pl.DataFrame, chunk: int, n_chunks: int) -> pl.DataFrame:
    """The queries of a chunk: a random sample, since they are sorted by uuid, which is a hash."""
    start, stop = (len(queries) * part // n_chunks for part in (chunk, chunk + 1))
    return queries[start:stop]


def _make_table(
    protocol: str,
    queries: pl.Series,
    gallery: pl.Series,
    blocks: Iterable[tuple[int, np.ndarray, np.ndarray]],
) -> pl.DataFrame:
    """The `Neighbours` table of blocks as `exact_knn` yields them; `queries` and `gallery` are uuids."""
    schema = {"query": pl.String, "rank": pl.Int32, "neighbour": pl.String, "similarity": pl.Float64}
    parts = [pl.DataFrame(schema=schema)]
    for start, indices, similarities in blocks:
        row, rank = np.nonzero(indices >= 0)
        columns = {
            "query": queries.gather(start + row),
            "rank": pl.Series(rank + 1, dtype=pl.Int32),
            "neighbour": gallery.gather(indices[row, rank]),
            "similarity": similarities[row, rank],
        }
        parts.append(pl.DataFrame(columns))
    return pl.concat(parts).select(pl.lit(protocol, dtype=pl.String).alias("protocol"), pl.all())
