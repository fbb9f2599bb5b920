"""Every model against every other on the same queries."""

from itertools import permutations

import numpy as np
import polars as pl

from nearkin.comparison.paired import check_same_queries, sign_flip, widen_sparse_intervals
from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import LabelGroupSums, add_resampling_units, bootstrap_sums

KEYS = ["protocol", "level", "uuid"]


def compare_all_pairs(hits, *, k, resamples, seed):
    """The difference in recall@k of all queries for every ordered pair of models: a `Pairwise` table.

    `hits` maps models to `QueryScores` tables of the same queries; ValueError otherwise. Intervals
    and p-values are those of `comparison.compare`.
    """
    models = list(hits)
    together = join_first_hits(hits).with_columns(hit_at_k_expr(model, k).alias(model) for model in models)
    parts = []
    for (protocol,), asked in together.group_by("protocol", maintain_order=True):
        asked, strata = add_resampling_units(asked)
        for (level,), block in asked.group_by("level", maintain_order=True):
            rows = _rows(block, strata, models, resamples, seed)
            parts.append(rows.with_columns(protocol=pl.lit(protocol), level=pl.lit(level)))
    return pl.concat(parts).with_columns(k=pl.lit(k, dtype=pl.Int32))


def join_first_hits(hits):
    """The first of some `QueryScores` tables, and in a column for each model its `first_relevant_rank`.

    Raises ValueError if the models did not answer the same queries.
    """
    first, *others = hits
    together = hits[first].with_columns(pl.col("first_relevant_rank").alias(first))
    for model in others:
        check_same_queries(hits[first].select(KEYS), hits[model].select(KEYS))
        together = together.join(
            hits[model].select(*KEYS, pl.col("first_relevant_rank").alias(model)), on=KEYS
        )
    return together


def hit_at_k_expr(model, k):
    """Whether a model's k nearest neighbours hold a right one, 1 or 0, in what `join_first_hits` gives."""
    return (pl.col(model) <= k).fill_null(False).cast(pl.Int64)


def _rows(block, strata, models, resamples, seed):
    drawn = bootstrap_sums(
        [LabelGroupSums(block, [pl.col(model) for model in models])], strata, resamples=resamples, seed=seed
    )
    totals = np.concatenate([sums.sum(axis=0) for (sums,) in drawn], axis=-1)  # (1 + n_models, n_resamples)
    shares = dict(zip(models, totals[1:] / totals[0], strict=True))
    groups = block.group_by("group_id", maintain_order=True).agg(pl.col(models).sum())
    recalls = {model: block[model].mean() for model in models}
    found = []
    for base, trained in permutations(models, 2):
        low, high = 100 * intervals.percentile_interval(shares[trained] - shares[base])
        change = (groups[trained] - groups[base]).to_numpy()
        found.append(
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
    return widen_sparse_intervals(pl.DataFrame(found).with_columns(**counts))
