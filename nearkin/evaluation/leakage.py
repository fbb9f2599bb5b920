"""What a split that ignores groups would have done to the recall of an encoder.

Somebody who deals image by image knows no groups and masks none: a query may find the next
frame of its own video. How much this flatters shows between the study's split and a random
one and, on the very same queries, when their group mates are hidden from them after all.
"""

import logging
import math

import numpy as np
import polars as pl

from nearkin.evaluation import intervals, query_scores
from nearkin.search import protocols, search
from nearkin.splits import predefined
from nearkin.splits.split import split_images
from nearkin.tables.scores import QueryScores
from nearkin.vocabulary import LEVELS

logger = logging.getLogger(__name__)

AUDITED = ["category", "genus", "species"]
PROTOCOLS = ["leave_one_out", "train_gallery"]
DEALT = ["train", "val", "test"]


def audit_leakage(labels, splits, *, vectors_of, dealing, most_queries, ks, resamples, seed):
    """The recalls under the study's split and under a random one, as a `LeakageAudit` table.

    `vectors_of` gives the unit vectors (n, width) of a series of uuids; `dealing` is what
    `splits.split` was told. Beyond `most_queries` of a protocol, about so many stand for all.
    Averages are micro, intervals resample groups.
    """
    coarser = [pl.lit(None, dtype=pl.String).alias(rank) for rank in LEVELS if rank not in AUDITED]
    labels = labels.with_columns(coarser)  # ranks that are not asked about cost nothing
    levels = query_scores.levels_of(labels)
    parts = []
    alone = random_split(labels, splits, dealing)
    for way, sides, exclude_same_group in [
        ("grouped", splits, False),
        ("random", alone, False),
        ("random_masked", alone, True),
    ]:
        n_groups, n_images = count_split_groups(sides)
        logger.info("%s: %d groups with %d images straddle", way, n_groups, n_images)
        for protocol in PROTOCOLS:
            told = {"most": most_queries, "protocol": protocol, "exclude_same_group": exclude_same_group}
            hits = _hits(labels, sides, vectors_of, ks=ks, **told)
            rows = _recalls(hits, levels, ks=ks, resamples=resamples, seed=seed)
            parts.append(
                rows.with_columns(
                    protocol=pl.lit(protocol),
                    split=pl.lit(way),
                    n_leaking_groups=pl.lit(n_groups, dtype=pl.Int64),
                    n_leaking_images=pl.lit(n_images, dtype=pl.Int64),
                )
            )
    return pl.concat(parts)


def _hits(labels, splits, vectors_of, *, most, protocol, ks, exclude_same_group):
    """The `QueryScores` of a protocol, and whether each query has a `mate` in its gallery."""
    queries, _ = protocols.queries_and_gallery(splits, protocol)
    if queries.is_empty():
        return QueryScores.create_empty().with_columns(mate=pl.lit(None, dtype=pl.Boolean))
    depth, n_chunks = max(ks), math.ceil(len(queries) / most)
    told = {"depth": depth, "exclude_same_group": exclude_same_group, "n_chunks": n_chunks}
    found = search.search_protocol(splits, vectors_of, protocol=protocol, **told)
    asked = search.chunk_of(queries, 0, n_chunks)["uuid"]
    told = {
        "wanted": [protocol],
        "exclude_same_group": exclude_same_group,
        "ks": ks,
        "depth": depth,
        "only": asked,
    }
    hits = query_scores.score_queries([found], labels, splits, **told)
    return hits.with_columns(mate=pl.col("uuid").is_in(queries_with_group_member(splits, protocol).implode()))


def random_split(labels, splits, dealing):
    """The images of train, val and test dealt anew, each by itself; with the groups that they are of.

    Seed and shares are the same, and held-out species stay out.
    """
    seen = splits.filter(pl.col("split").is_in(DEALT)).select("uuid", "group_id")
    labels = labels.join(seen, on="uuid", how="semi")
    alone = seen.select("uuid", group_id="uuid")
    dealt = split_images(labels, alone, predefined.combine([]), **(dealing | {"held_out_species": 0}))
    return seen.join(dealt.select("uuid", "split"), on="uuid", validate="1:1")


def count_split_groups(splits):
    """How many groups lie on two sides or more, and how many images they have."""
    dealt = splits.filter(pl.col("split").is_in(DEALT))
    groups = dealt.group_by("group_id").agg(sides=pl.col("split").n_unique(), images=pl.len())
    straddle = groups.filter(pl.col("sides") > 1)
    return len(straddle), straddle["images"].sum()


def queries_with_group_member(splits, protocol):
    """The uuids of the queries that have another image of their group in their gallery."""
    queries, gallery = protocols.queries_and_gallery(splits, protocol)
    mates = gallery.group_by("group_id").len("mates")
    itself = pl.col("uuid").is_in(gallery["uuid"].implode()).cast(pl.UInt32)
    return queries.join(mates, on="group_id", how="left").filter(pl.col("mates") > itself)["uuid"]


def _recalls(hits, levels, *, ks, resamples, seed):
    """The recalls of all queries, and of those with and without a mate, by level and k."""
    populations = {
        "all": pl.lit(True),
        "same_group_in_gallery": pl.col("mate"),
        "no_same_group_in_gallery": ~pl.col("mate"),
    }
    rows = []
    for level in levels:
        for query_subset, chosen in populations.items():
            counted = _groups(hits.filter(chosen, level=level), ks)
            shares, low, high = _shares(counted, ks, resamples, seed)
            rows += [
                {
                    "level": level,
                    "query_subset": query_subset,
                    "k": k,
                    "recall": shares[i],
                    "ci_low": low[i],
                    "ci_high": high[i],
                    "n_queries": counted["n"].sum(),
                    "n_groups": counted["group_id"].n_unique(),
                }
                for i, k in enumerate(ks)
            ]
    return pl.DataFrame(
        rows, schema_overrides={"recall": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64}
    )


def _groups(hits, ks):
    """The queries `n` of each label and group, and their hits at each k."""
    found = [(pl.col("first_relevant_rank") <= k).sum().alias(f"h{k}") for k in ks]
    key = ["category", "label", "group_id"]
    return hits.group_by(key).agg(pl.len().alias("n"), *found).sort(key)


def _shares(counted, ks, resamples, seed):
    """The recall at each k and the ends of its interval; None where there is no query.

    Groups are drawn from all species together: those with a mate in the gallery are often the
    only ones of theirs, and would never vary within it.
    """
    if counted.is_empty():
        return [[None] * len(ks)] * 3
    values = counted.select("n", *(f"h{k}" for k in ks)).to_numpy()
    together = np.zeros(len(counted), dtype=np.int64)
    drawn = intervals.bootstrap_weights(together, resamples=resamples, seed=seed)
    sums = np.concatenate([weights @ values for weights in drawn])  # (n_resamples, 1 + n_ks)
    shares = values[:, 1:].sum(axis=0) / values[:, 0].sum()
    ends = intervals.percentile_interval(sums[:, 1:] / sums[:, :1])
    low, high = intervals.wilson_if_sparse(shares, ends, len(counted))
    return shares.tolist(), low.tolist(), high.tolist()
