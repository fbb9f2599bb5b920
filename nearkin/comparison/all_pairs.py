"""Every model against every other on the same queries."""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import cast

import numpy as np
import polars as pl

from nearkin.comparison.paired import check_same_queries, widen_sparse_intervals
from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import LabelGroupSums, add_resampling_units, bootstrap_sums
from nearkin.evaluation.significance import sign_flip

KEYS = ["protocol", "level", "uuid"]


def compare_all_pairs(
    hits: Mapping[str, pl.DataFrame], *, k: int, bootstrap_samples: int, seed: int
) -> pl.DataFrame:
    """The difference in recall@k of all queries for every ordered pair of models: a `Pairwise` table.

    `hits` maps models to `QueryScores` tables of the same queries; ValueError otherwise. Intervals
    and p-values are those of `paired.compare_models`.
    """
    models = list(hits)
    joined = join_first_hits(hits).with_columns(hit_at_k_expr(model, k).alias(model) for model in models)
    parts = []
    for (protocol,), queries in joined.group_by("protocol", maintain_order=True):
        queries, strata = add_resampling_units(queries)
        for (level,), block in queries.group_by("level", maintain_order=True):
            rows = _make_rows(block, strata, models, bootstrap_samples, seed)
            parts.append(rows.with_columns(protocol=pl.lit(protocol), level=pl.lit(level)))
    return pl.concat(parts).with_columns(k=pl.lit(k, dtype=pl.Int32))


def join_first_hits(hits: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The first of some `QueryScores` tables, with the `first_relevant_rank` of each model in a column.

    Raises ValueError if the models did not answer the same queries.
    """
    first, *others = hits
    joined = hits[first].with_columns(pl.col("first_relevant_rank").alias(first))
    for model in others:
        check_same_queries(hits[first].select(KEYS), hits[model].select(KEYS))
        joined = joined.join(hits[model].select(*KEYS, pl.col("first_relevant_rank").alias(model)), on=KEYS)
    return joined


def hit_at_k_expr(model: str, k: int) -> pl.Expr:
    """Whether any of a model's k nearest neighbours is relevant, 1 or 0, in a table of `join_first_hits`."""
    return (pl.col(model) <= k).fill_null(False).cast(pl.Int64)


def _make_rows(
    block: pl.DataFrame, strata: np.ndarray, models: Sequence[str], bootstrap_samples: int, seed: int
) -> pl.DataFrame:
    cells = LabelGroupSums(block, [pl.col(model) for model in models])
    chunks = bootstrap_sums([cells], strata, bootstrap_samples=bootstrap_samples, seed=seed)
    totals = np.concatenate([sums.sum(axis=0) for (sums,) in chunks], axis=-1)  # (1 + n_models, n_resamples)
    shares = dict(zip(models, totals[1:] / totals[0], strict=True))
    groups = block.group_by("group_id", maintain_order=True).agg(pl.col(models).sum())
    recalls = {model: cast(float, block[model].mean()) for model in models}
    rows = []
    for base, trained in permutations(models, 2):
        low, high = 100 * intervals.percentile_interval(shares[trained] - shares[base])
        change = (groups[trained] - groups[base]).to_numpy()
        rows.append(
            {
                "base": base,
                "trained": trained,
                "base_recall": recalls[base],
                "trained_recall": recalls[trained],
                "diff_pp": 100 * (recalls[trained] - recalls[base]),
                "ci_low": float(low),
                "ci_high": float(high),
                "p_value": sign_flip(change),
                "n_improved": int((change > 0).sum()),
                "n_worsened": int((change < 0).sum()),
            }
        )
    counts = {
        "n_queries": pl.lit(len(block), dtype=pl.Int64),
        "n_groups": pl.lit(len(groups), dtype=pl.Int64),
    }
    return widen_sparse_intervals(pl.DataFrame(rows).with_columns(**counts))
