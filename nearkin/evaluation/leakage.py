"""What a split that ignores groups would do to the recall of an encoder.

A split by single images knows no groups and masks none: a query may find the next frame of its own
video. How much this flatters shows between the study's split and a random one and, on the very same
queries, between a gallery with and without the images of the query's own group.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from nearkin.evaluation import intervals, query_scores
from nearkin.evaluation.bootstrap import bootstrap_weights
from nearkin.search import protocols, search
from nearkin.splits import assignment, predefined
from nearkin.splits.settings import SplitSettings
from nearkin.splits.split import split_images
from nearkin.tables.scores import QueryScores
from nearkin.vocabulary import LEVELS, MAIN_LEVELS

logger = logging.getLogger(__name__)

PROTOCOLS = ["leave_one_out", "train_gallery"]


def audit_leakage(
    labels: pl.DataFrame,
    splits: pl.DataFrame,
    *,
    vectors_of: Callable[[pl.Series], np.ndarray],
    split_settings: SplitSettings,
    max_queries: int,
    ks: Sequence[int],
    bootstrap_samples: int,
    seed: int,
) -> pl.DataFrame:
    """The recalls under the study's split and under a random one, as a `LeakageAudit` table.

    `vectors_of` gives the unit vectors (n, width) of a series of uuids; `split_settings` are the settings of
    `split_images`. Of more than `max_queries` queries of a protocol, a sample of about so many is used.
    Averages are micro, intervals resample groups.
    """
    coarser = [pl.lit(None, dtype=pl.String).alias(rank) for rank in LEVELS if rank not in MAIN_LEVELS]
    labels = labels.with_columns(coarser)  # ranks without labels cost nothing
    levels = query_scores.list_levels(labels)
    parts = []
    by_image = random_split(labels, splits, split_settings)
    for variant, variant_splits, exclude_same_group in [
        ("grouped", splits, False),
        ("random", by_image, False),
        ("random_masked", by_image, True),
    ]:
        n_groups, n_images = count_split_groups(variant_splits)
        logger.info("%s: %d groups with %d images span splits", variant, n_groups, n_images)
        for protocol in PROTOCOLS:
            hits = _score_sample(
                labels,
                variant_splits,
                vectors_of,
                max_queries=max_queries,
                protocol=protocol,
                ks=ks,
                exclude_same_group=exclude_same_group,
            )
            rows = _compute_recalls(hits, levels, ks=ks, bootstrap_samples=bootstrap_samples, seed=seed)
            parts.append(
                rows.with_columns(
                    protocol=pl.lit(protocol),
                    split=pl.lit(variant),
                    n_leaking_groups=pl.lit(n_groups, dtype=pl.Int64),
                    n_leaking_images=pl.lit(n_images, dtype=pl.Int64),
                )
            )
    return pl.concat(parts)


def _score_sample(
    labels: pl.DataFrame,
    splits: pl.DataFrame,
    vectors_of: Callable[[pl.Series], np.ndarray],
    *,
    max_queries: int,
    protocol: str,
    ks: Sequence[int],
    exclude_same_group: bool,
) -> pl.DataFrame:
    """The `QueryScores` of a protocol, and whether each query `has_group_member` in its gallery."""
    queries, _ = protocols.select_queries_and_gallery(splits, protocol)
    if queries.is_empty():
        return QueryScores.create_empty().with_columns(has_group_member=pl.lit(None, dtype=pl.Boolean))
    depth, n_chunks = max(ks), math.ceil(len(queries) / max_queries)
    neighbours = search.search_protocol(
        splits,
        vectors_of,
        protocol=protocol,
        depth=depth,
        exclude_same_group=exclude_same_group,
        n_chunks=n_chunks,
    )
    hits = query_scores.score_queries(
        [neighbours],
        labels,
        splits,
        protocols=[protocol],
        exclude_same_group=exclude_same_group,
        ks=ks,
        depth=depth,
        only=search.select_chunk(queries, 0, n_chunks)["uuid"],
    )
    with_member = find_queries_with_group_member(splits, protocol)
    return hits.with_columns(has_group_member=pl.col("uuid").is_in(with_member.implode()))


def random_split(labels: pl.DataFrame, splits: pl.DataFrame, split_settings: SplitSettings) -> pl.DataFrame:
    """The images of train, val and test, randomly assigned one by one, with their groups in `splits`.

    Seed and shares are the same, and held-out species stay out.
    """
    seen = splits.filter(pl.col("split").is_in(assignment.RANDOM_SPLITS)).select("uuid", "group_id")
    labels = labels.join(seen, on="uuid", how="semi")
    single_images = seen.select("uuid", group_id="uuid")
    settings: SplitSettings = {**split_settings, "held_out_species": 0}
    random = split_images(labels, single_images, predefined.combine_predefined([]), **settings)
    return seen.join(random.select("uuid", "split"), on="uuid", validate="1:1")


def count_split_groups(splits: pl.DataFrame) -> tuple[int, int]:
    """How many groups span two splits or more, and how many images they have."""
    images = splits.filter(pl.col("split").is_in(assignment.RANDOM_SPLITS))
    groups = images.group_by("group_id").agg(n_splits=pl.col("split").n_unique(), n_images=pl.len())
    leaking = groups.filter(pl.col("n_splits") > 1)
    return len(leaking), int(leaking["n_images"].sum())


def find_queries_with_group_member(splits: pl.DataFrame, protocol: str) -> pl.Series:
    """The uuids of the queries that have another image of their group in their gallery."""
    queries, gallery = protocols.select_queries_and_gallery(splits, protocol)
    members = gallery.group_by("group_id").len("n_members")
    itself = pl.col("uuid").is_in(gallery["uuid"].implode()).cast(pl.UInt32)
    return queries.join(members, on="group_id", how="left").filter(pl.col("n_members") > itself)["uuid"]


def _compute_recalls(
    hits: pl.DataFrame, levels: Sequence[str], *, ks: Sequence[int], bootstrap_samples: int, seed: int
) -> pl.DataFrame:
    """The recalls of all queries, and of those with and without a group member, by level and k."""
    query_subsets: Mapping[str, pl.Expr] = {
        "all": pl.lit(True),
        "same_group_in_gallery": pl.col("has_group_member"),
        "no_same_group_in_gallery": ~pl.col("has_group_member"),
    }
    rows = []
    for level in levels:
        for query_subset, is_in_subset in query_subsets.items():
            counts = _count_hits(hits.filter(is_in_subset, level=level), ks)
            shares, low, high = _compute_shares(counts, ks, bootstrap_samples, seed)
            rows += [
                {
                    "level": level,
                    "query_subset": query_subset,
                    "k": k,
                    "recall": shares[i],
                    "ci_low": low[i],
                    "ci_high": high[i],
                    "n_queries": counts["n"].sum(),
                    "n_groups": counts["group_id"].n_unique(),
                }
                for i, k in enumerate(ks)
            ]
    return pl.DataFrame(
        rows, schema_overrides={"recall": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64}
    )


def _count_hits(hits: pl.DataFrame, ks: Sequence[int]) -> pl.DataFrame:
    """The queries `n` of each label and group, and their hits at each k."""
    hits_at_k = [(pl.col("first_relevant_rank") <= k).sum().alias(f"h{k}") for k in ks]
    key = ["category", "label", "group_id"]
    return hits.group_by(key).agg(pl.len().alias("n"), *hits_at_k).sort(key)


def _compute_shares(
    counts: pl.DataFrame, ks: Sequence[int], bootstrap_samples: int, seed: int
) -> list[list[float | None]]:
    """The recall at each k and both ends of its interval: three lists; None where there is no query.

    Groups are drawn from all species together: those with another member in the gallery are often
    the only ones of their species, and would never vary within it.
    """
    if counts.is_empty():
        return [[None] * len(ks)] * 3
    values = counts.select("n", *(f"h{k}" for k in ks)).to_numpy()
    single_stratum = np.zeros(len(counts), dtype=np.int64)
    chunks = bootstrap_weights(single_stratum, bootstrap_samples=bootstrap_samples, seed=seed)
    sums = np.concatenate([weights @ values for weights in chunks])  # (n_resamples, 1 + n_ks)
    shares = values[:, 1:].sum(axis=0) / values[:, 0].sum()
    ends = intervals.percentile_interval(sums[:, 1:] / sums[:, :1])
    low, high = intervals.wilson_if_sparse(shares, ends, len(counts))
    return [shares.tolist(), low.tolist(), high.tolist()]
