"""Hits of queries: where the first right neighbour stands.

recall@k (any hit): the share of queries with at least one image of their own label among
their k nearest neighbours (Jegou et al. 2011, and the usage of Deng et al. 2019). It is not
the share of relevant images that were found.
"""

import logging

import polars as pl

from nearkin import protocols
from nearkin.tables.fields import LEVELS

logger = logging.getLogger(__name__)


def levels_of(labels):
    """The levels at which any image has a label, coarse to fine."""
    return [level for level in LEVELS if labels[level].null_count() < len(labels)]


def hits(neighbours, labels, splits, *, wanted, masked):
    """Where the first right neighbour of every query stands, as a `Hits` table.

    `wanted` names the protocols. A neighbour is right at a level if its label there is the
    query's; genus and species only count within one category, for zoology and botany share
    genus names. An image without a label at a level does not query there and is never right.
    """
    named = splits.join(labels.select("uuid", *LEVELS), on="uuid", how="left", validate="1:1")
    parts = []
    for protocol in wanted:
        queries, gallery = protocols.queries_and_gallery(named, protocol)
        found = neighbours.filter(protocol=protocol)
        if queries.is_empty():
            continue
        for level in levels_of(labels):
            key = _right_by(level)
            wanted = queries.filter(pl.col(level).is_not_null())
            first = _first_hits(found, wanted, gallery, key)
            relevant = _n_relevant(wanted, gallery, key, masked=masked, itself=protocol != "search")
            parts.append(
                wanted.join(first, on="uuid", how="left")
                .join(relevant, on="uuid", how="left")
                .select(
                    protocol=pl.lit(protocol),
                    level=pl.lit(level),
                    uuid="uuid",
                    category="category",
                    label=pl.col(level),
                    group_id="group_id",
                    n_relevant=pl.col("n_relevant").cast(pl.Int64),
                    first_hit="first_hit",
                    masked=pl.lit(masked),
                )
            )
    if not parts:
        raise ValueError("no test images: no protocol has a query (see split of the dataset in the config)")
    logger.info("%d rows, one for each query and level", sum(map(len, parts)))
    return pl.concat(parts)


def _right_by(level):
    return ["category", level] if level in ("genus", "species") else [level]


def _first_hits(found, queries, gallery, key):
    """The rank of the first neighbour that shares `key` with its query."""
    asked = gallery.select(pl.col("uuid").alias("neighbour"), *key)
    asking = queries.select("uuid", *key)
    pairs = found.select("uuid", "rank", "neighbour").join(asked, on="neighbour")
    return pairs.join(asking, on=["uuid", *key]).group_by("uuid").agg(first_hit=pl.col("rank").min())


def _n_relevant(queries, gallery, key, *, masked, itself):
    """How many gallery images each query could find: those of its label, less the hidden."""
    everyone = gallery.group_by(key).agg(everyone=pl.len())
    counted = queries.join(everyone, on=key, how="left")
    if masked:
        own = gallery.group_by([*key, "group_id"]).agg(own=pl.len())
        counted = counted.join(own, on=[*key, "group_id"], how="left")
    else:
        counted = counted.with_columns(own=pl.lit(int(itself)))
    return counted.select("uuid", n_relevant=pl.col("everyone").fill_null(0) - pl.col("own").fill_null(0))
