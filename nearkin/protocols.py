"""Who queries whom, and whom a query must not find."""

import numpy as np
import polars as pl

from nearkin import neighbours

SIDES = {"leave_one_out": ("test", "test"), "search": ("test", "train"), "unseen": ("unseen", "unseen")}
"""The splits of the queries and of the gallery."""


def queries_and_gallery(splits, protocol):
    """The rows of `splits` that query, and those that can be found, both by uuid."""
    asking, asked = SIDES[protocol]
    splits = splits.sort("uuid")
    return splits.filter(split=asking), splits.filter(split=asked)


def find(uuids, vectors, splits, *, protocol, depth, mask_groups):
    """The `Neighbours` of one protocol.

    `uuids` (sorted) name the rows of `vectors`. A query never finds itself, nor, with
    `mask_groups`, an image of its own group.
    """
    queries, gallery = queries_and_gallery(splits, protocol)
    if queries.is_empty() or gallery.is_empty():
        return _rows(protocol, [], [], [], [])
    where = dict(zip(uuids, range(len(uuids)), strict=True))
    unlike = "group_id" if mask_groups else "uuid"
    names = gallery["uuid"].to_numpy()
    codes = {name: code for code, name in enumerate(splits[unlike].unique().sort())}
    asking = np.array([codes[name] for name in queries[unlike]])
    asked = np.array([codes[name] for name in gallery[unlike]])

    def hidden(start, stop):
        return asking[start:stop, None] == asked[None]

    found = neighbours.nearest(
        vectors[[where[name] for name in queries["uuid"]]],
        vectors[[where[name] for name in gallery["uuid"]]],
        depth=min(depth, len(gallery)),
        hidden=hidden,
    )
    parts = []
    for start, indices, similarities in found:
        row, rank = np.nonzero(indices >= 0)
        parts.append((start + row, rank + 1, names[indices[row, rank]], similarities[row, rank]))
    query, rank, neighbour, similarity = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _rows(protocol, queries["uuid"].to_numpy()[query], rank, neighbour, similarity)


def _rows(protocol, uuid, rank, neighbour, similarity):
    return pl.DataFrame(
        {
            "protocol": pl.Series([protocol] * len(uuid), dtype=pl.String),
            "uuid": pl.Series(uuid, dtype=pl.String),
            "rank": pl.Series(rank, dtype=pl.Int32),
            "neighbour": pl.Series(neighbour, dtype=pl.String),
            "similarity": pl.Series(similarity, dtype=pl.Float64),
        }
    )
