"""Every model side by side, those that differ only in their seed told as one."""

from itertools import product

import numpy as np
import polars as pl

from nearkin.comparison.all_pairs import hit_at_k_expr, join_first_hits
from nearkin.comparison.paired import widen_sparse_intervals
from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import LabelGroupSums, add_resampling_units, bootstrap_sums
from nearkin.tables.categories import distinct_categories
from nearkin.vocabulary import ALL


def summarise_seeds(hits, models, *, bases, ks, resamples, seed):
    """What the models of each variant find, in the mean and apart: a `SeedSummaries` table.

    `hits` maps models to `QueryScores` tables of the same queries, ValueError otherwise; `models` maps
    variants to their models, `bases` trained variants to the model that they started from.
    Intervals are those of `recall.recall` and `comparison.compare`, for the mean of these very
    models: groups of images are drawn anew, seeds are not.
    """
    columns = [(model, k) for model in hits for k in ks]
    parts = []
    for (protocol,), asked in join_first_hits(hits).group_by("protocol", maintain_order=True):
        asked, strata = add_resampling_units(asked)
        for (level,), block in asked.group_by("level", maintain_order=True):
            block = block.with_columns(hit_at_k_expr(model, k).alias(_name(model, k)) for model, k in columns)
            drawn = _resample(block, strata, [_name(*column) for column in columns], resamples, seed)
            for category, samples in drawn.items():
                scope = block if category == ALL else block.filter(category=category)
                rows = _rows(scope, samples, models, bases, ks)
                where = {"protocol": protocol, "level": level, "category": category}
                parts.append(rows.with_columns(pl.lit(value).alias(key) for key, value in where.items()))
    return pl.concat(parts)


def _name(model, k):
    return f"{model} {k}"


def _resample(block, strata, columns, resamples, seed):
    """Means over resampled groups, by category and column: (resamples,) each; NaN without queries."""
    cells = LabelGroupSums(block, [pl.col(name) for name in columns])
    of = cells.labels["category"]
    scopes = {ALL: np.ones(len(of), dtype=bool)} | {
        name: (of == name).to_numpy() for name in distinct_categories(of)
    }
    parts = {name: [] for name in scopes}
    for (sums,) in bootstrap_sums([cells], strata, resamples=resamples, seed=seed):
        for name, member in scopes.items():
            parts[name].append(sums[member].sum(axis=0))
    found = {}
    with np.errstate(invalid="ignore"):
        for name, totals in parts.items():
            n_drawn, *right_ones = np.concatenate(totals, axis=-1)
            found[name] = dict(zip(columns, right_ones / n_drawn, strict=True))
    return found


def _rows(scope, samples, models, bases, ks):
    """The recall of each variant, and for those that were trained its change in points."""
    counts = {"n_queries": len(scope), "n_groups": scope["group_id"].n_unique()}
    groups = scope.group_by("group_id").agg(pl.col(list(samples)).sum())
    recalls = {name: scope[name].mean() for name in samples}
    found, changes = [], []
    for k, (variant, names) in product(ks, models.items()):
        columns = [_name(model, k) for model in names]
        told = {"config_name": variant, "k": k, "n_seeds": len(names)} | counts
        values = np.array([recalls[name] for name in columns])
        sample = np.mean([samples[name] for name in columns], axis=0)
        low, high = intervals.wilson_if_sparse(
            values.mean(), intervals.percentile_interval(sample), counts["n_groups"]
        )
        found.append(
            told | {"metric": "recall", "ci_low": float(low), "ci_high": float(high)} | _spread(values)
        )
        if variant in bases:
            base = _name(bases[variant], k)
            low, high = 100 * intervals.percentile_interval(sample - samples[base])
            changed = sum(groups[name] for name in columns) - len(columns) * groups[base]
            changes.append(
                told
                | {"metric": "diff_pp", "ci_low": float(low), "ci_high": float(high)}
                | {"n_improved": (changed > 0).sum(), "n_worsened": (changed < 0).sum()}
                | _spread(100 * (values - recalls[base]))
            )
    types = {"std": pl.Float64, "k": pl.Int32}
    found = [pl.DataFrame(found, schema_overrides=types)]
    if changes:
        changes = pl.DataFrame(changes, schema_overrides=types).rename({"mean": "diff_pp"})
        found.append(widen_sparse_intervals(changes).rename({"diff_pp": "mean"}))
    return pl.concat(found, how="diagonal")


def _spread(values):
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return {"mean": values.mean(), "std": sd, "min": values.min(), "max": values.max()}
