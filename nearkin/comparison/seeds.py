"""Summaries of all models; those that differ only in their seed are one variant."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import cast

import numpy as np
import polars as pl

from nearkin.comparison.all_pairs import hit_at_k_expr, join_first_hits
from nearkin.comparison.paired import widen_sparse_intervals
from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import LabelGroupSums, add_resampling_units, bootstrap_sums
from nearkin.tables.categories import distinct_categories
from nearkin.vocabulary import ALL


def summarise_seeds(
    hits: Mapping[str, pl.DataFrame],
    models: Mapping[str, Sequence[str]],
    *,
    bases: Mapping[str, str],
    ks: Sequence[int],
    bootstrap_samples: int,
    seed: int,
) -> pl.DataFrame:
    """What the models of each variant find, their mean and their spread: a `SeedSummaries` table.

    `hits` maps models to `QueryScores` tables of the same queries, ValueError otherwise; `models` maps
    variants to their models, `bases` trained variants to the model that they started from.
    Intervals are those of `averages.compute_metrics` and `paired.compare`, for the mean of exactly
    these models: groups of images are resampled, seeds are not.
    """
    columns = [(model, k) for model in hits for k in ks]
    parts = []
    for (protocol,), queries in join_first_hits(hits).group_by("protocol", maintain_order=True):
        queries, strata = add_resampling_units(queries)
        for (level,), block in queries.group_by("level", maintain_order=True):
            block = block.with_columns(
                hit_at_k_expr(model, k).alias(_name_column(model, k)) for model, k in columns
            )
            names = [_name_column(*column) for column in columns]
            for category, samples in _resample(block, strata, names, bootstrap_samples, seed).items():
                scope = block if category == ALL else block.filter(category=category)
                rows = _make_rows(scope, samples, models, bases, ks)
                key = {"protocol": protocol, "level": level, "category": category}
                parts.append(rows.with_columns(pl.lit(value).alias(name) for name, value in key.items()))
    return pl.concat(parts)


def _name_column(model: str, k: int) -> str:
    return f"{model} {k}"


def _resample(
    block: pl.DataFrame, strata: np.ndarray, columns: Sequence[str], bootstrap_samples: int, seed: int
) -> dict[str, dict[str, np.ndarray]]:
    """Means over resampled groups, by category and column: (resamples,) each; NaN without queries."""
    cells = LabelGroupSums(block, [pl.col(name) for name in columns])
    categories = cells.labels["category"]
    scopes = {ALL: np.ones(len(categories), dtype=bool)} | {
        name: (categories == name).to_numpy() for name in distinct_categories(categories)
    }
    parts: dict[str, list[np.ndarray]] = {name: [] for name in scopes}
    for (sums,) in bootstrap_sums([cells], strata, bootstrap_samples=bootstrap_samples, seed=seed):
        for name, member in scopes.items():
            parts[name].append(sums[member].sum(axis=0))
    means = {}
    with np.errstate(invalid="ignore"):
        for name, totals in parts.items():
            n_queries, *n_hits = np.concatenate(totals, axis=-1)
            means[name] = dict(zip(columns, n_hits / n_queries, strict=True))
    return means


def _make_rows(
    scope: pl.DataFrame,
    samples: Mapping[str, np.ndarray],
    models: Mapping[str, Sequence[str]],
    bases: Mapping[str, str],
    ks: Sequence[int],
) -> pl.DataFrame:
    """The recall of each variant, and the change in points of each trained one."""
    counts = {"n_queries": len(scope), "n_groups": scope["group_id"].n_unique()}
    groups = scope.group_by("group_id").agg(pl.col(list(samples)).sum())
    recalls = {name: cast(float, scope[name].mean()) for name in samples}
    rows, changes = [], []
    for k, (variant, names) in product(ks, models.items()):
        columns = [_name_column(model, k) for model in names]
        key = {"config_name": variant, "k": k, "n_seeds": len(names)} | counts
        values = np.array([recalls[name] for name in columns])
        sample = np.mean([samples[name] for name in columns], axis=0)
        low, high = intervals.wilson_if_sparse(
            values.mean(), intervals.percentile_interval(sample), counts["n_groups"]
        )
        rows.append(
            key | {"metric": "recall", "ci_low": float(low), "ci_high": float(high)} | _summarise(values)
        )
        if variant in bases:
            base = _name_column(bases[variant], k)
            low, high = 100 * intervals.percentile_interval(sample - samples[base])
            change = groups.select(columns).sum_horizontal() - len(columns) * groups[base]
            changes.append(
                key
                | {"metric": "diff_pp", "ci_low": float(low), "ci_high": float(high)}
                | {"n_improved": (change > 0).sum(), "n_worsened": (change < 0).sum()}
                | _summarise(100 * (values - recalls[base]))
            )
    types = {"std": pl.Float64, "k": pl.Int32}
    parts = [pl.DataFrame(rows, schema_overrides=types)]
    if changes:
        table = pl.DataFrame(changes, schema_overrides=types).rename({"mean": "diff_pp"})
        parts.append(widen_sparse_intervals(table).rename({"diff_pp": "mean"}))
    return pl.concat(parts, how="diagonal")


def _summarise(values: np.ndarray) -> dict[str, float | None]:
    std = float(values.std(ddof=1)) if len(values) > 1 else None
    return {"mean": values.mean(), "std": std, "min": values.min(), "max": values.max()}
