"""Every model against every other on the same queries."""

from itertools import permutations

import numpy as np
import polars as pl

from nearkin import intervals
from nearkin.cells import Cells, resampled, with_units
from nearkin.comparison import same_queries, sign_flip, widened

KEYS = ["protocol", "level", "uuid"]


def pairwise(hits, *, k, resamples, seed):
    """The difference in recall@k of all queries for every ordered pair of models: a `Pairwise` table.

    `hits` maps models to `Hits` tables of the same queries; ValueError otherwise. Intervals
    and p-values are those of `comparison.compare`.
    """
    models = list(hits)
    first = hits[models[0]]
    right = (pl.col("first_hit") <= k).fill_null(False).cast(pl.Int64)
    for model in models[1:]:
        same_queries(first.select(KEYS), hits[model].select(KEYS))
    together = first.with_columns(right.alias(models[0]))
    for model in models[1:]:
        together = together.join(hits[model].select(*KEYS, right.alias(model)), on=KEYS)
    parts = []
    for (protocol,), asked in together.group_by("protocol", maintain_order=True):
        asked, strata = with_units(asked)
        for (level,), block in asked.group_by("level", maintain_order=True):
            rows = _rows(block, strata, models, resamples, seed)
            parts.append(rows.with_columns(protocol=pl.lit(protocol), level=pl.lit(level)))
    return pl.concat(parts).with_columns(k=pl.lit(k, dtype=pl.Int32))


def _rows(block, strata, models, resamples, seed):
    drawn = resampled(
        [Cells(block, [pl.col(model) for model in models])], strata, resamples=resamples, seed=seed
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
                "points": 100 * (recalls[trained] - recalls[base]),
                "low": float(low),
                "high": float(high),
                "p_value": sign_flip(change),
                "n_rose": int((change > 0).sum()),
                "n_fell": int((change < 0).sum()),
            }
        )
    counts = {
        "n_queries": pl.lit(len(block), dtype=pl.Int64),
        "n_groups": pl.lit(len(groups), dtype=pl.Int64),
    }
    return widened(pl.DataFrame(found).with_columns(**counts))
