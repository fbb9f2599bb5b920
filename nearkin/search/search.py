"""The neighbours of a protocol's queries."""

import numpy as np
import polars as pl

from nearkin.search import exact_knn
from nearkin.search.protocols import queries_and_gallery


def search_protocol(splits, vectors_of, *, protocol, depth, exclude_same_group, chunk=0, n_chunks=1):
    """The `Neighbours` of one protocol, for the queries of one of `n_chunks` even chunks.

    `vectors_of` gives the unit vectors (n, width) of a series of uuids. A query never finds
    itself, nor, with `exclude_same_group`, an image of its own group.
    """
    alike = pl.col("group_id" if exclude_same_group else "uuid")
    coded = splits.with_columns(code=alike.rank("dense").cast(pl.Int64))
    queries, gallery = queries_and_gallery(coded, protocol)
    asking = chunk_of(queries, chunk, n_chunks)
    if asking.is_empty() or gallery.is_empty():
        return _rows(protocol, asking["uuid"], gallery["uuid"], [])
    depth = min(depth, len(gallery))
    vectors, codes = vectors_of(gallery["uuid"]), gallery["code"].to_numpy()
    if asking.equals(gallery):
        found = exact_knn.self_knn(vectors, codes, depth=depth)
    else:
        own = vectors_of(asking["uuid"]), asking["code"].to_numpy()
        found = exact_knn.knn(*own, vectors, codes, depth=depth)
    return _rows(protocol, asking["uuid"], gallery["uuid"], found)


def chunk_of(queries, chunk, n_chunks):
    """The queries of a chunk: a random sample, for they are in the order of uuids, which are hashes."""
    start, stop = (len(queries) * part // n_chunks for part in (chunk, chunk + 1))
    return queries[start:stop]


def _rows(protocol, queries, gallery, found):
    schema = {"uuid": pl.String, "rank": pl.Int32, "neighbour": pl.String, "similarity": pl.Float64}
    parts = [pl.DataFrame(schema=schema)]
    for start, indices, similarities in found:
        row, rank = np.nonzero(indices >= 0)
        columns = {
            "uuid": queries.gather(start + row),
            "rank": pl.Series(rank + 1, dtype=pl.Int32),
            "neighbour": gallery.gather(indices[row, rank]),
            "similarity": similarities[row, rank],
        }
        parts.append(pl.DataFrame(columns))
    return pl.concat(parts).select(pl.lit(protocol, dtype=pl.String).alias("protocol"), pl.all())
