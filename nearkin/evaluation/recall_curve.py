"""Recall against the number of neighbours looked at."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import LabelGroupSums, add_resampling_units, bootstrap_sums
from nearkin.vocabulary import ALL


def k_grid(depth: int) -> list[int]:
    """The k at which a curve has points, evenly spread on a log axis.

    >>> k_grid(25)
    [1, 2, 3, 5, 7, 10, 20, 25]
    """
    spread = [first * 10**power for power in range(len(str(depth))) for first in (1, 2, 3, 5, 7)]
    return [*(k for k in spread if k < depth), depth]


def compute_recall_curve(
    hits: pl.DataFrame, *, depth: int, bootstrap_samples: int, seed: int
) -> pl.DataFrame:
    """Recall of all queries at every k of `k_grid`, as a `RecallCurve` table: micro averages.

    Values and intervals are those of a `Metrics` table where both have a k: the draws are the same.
    """
    ks = k_grid(depth)
    hits_at_k = [(pl.col("first_relevant_rank") <= k).fill_null(False).alias(f"hit {k}") for k in ks]
    all_labels = {"category": pl.lit(ALL), "label": pl.lit(ALL)}
    parts = []
    for _, queries in hits.group_by("protocol", maintain_order=True):
        queries, strata = add_resampling_units(queries)
        blocks = [block for _, block in queries.group_by("level", maintain_order=True)]
        cells = [LabelGroupSums(block.with_columns(**all_labels), hits_at_k) for block in blocks]
        resampled_sums = zip(
            *bootstrap_sums(cells, strata, bootstrap_samples=bootstrap_samples, seed=seed), strict=True
        )
        for block, group_sums, sums in zip(blocks, cells, resampled_sums, strict=True):
            samples = np.concatenate(sums, axis=-1)[0]
            parts.append(_make_points(block, group_sums.values.sum(axis=0), samples, ks))
    return pl.concat(parts)


def _make_points(
    block: pl.DataFrame, counts: np.ndarray, samples: np.ndarray, ks: Sequence[int]
) -> pl.DataFrame:
    """The rows of one curve, from its counts (1 + n_ks,) and those of the resamples (1 + n_ks, n)."""
    n_groups = block["group_id"].n_unique()
    value = counts[1:] / counts[0]
    with np.errstate(invalid="ignore"):
        ends = intervals.percentile_interval((samples[1:] / samples[0]).T)
    low, high = intervals.wilson_if_sparse(value, ends, n_groups)
    return pl.DataFrame(
        {"k": pl.Series(ks, dtype=pl.Int32), "value": value, "ci_low": low, "ci_high": high}
    ).with_columns(
        protocol=pl.lit(block["protocol"][0]),
        level=pl.lit(block["level"][0]),
        n_queries=pl.lit(len(block), dtype=pl.Int64),
        n_groups=pl.lit(n_groups, dtype=pl.Int64),
    )
