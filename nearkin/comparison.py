"""Two models on the same queries: what changed, and how sure that is."""

import logging
import math

import numpy as np
import polars as pl
from scipy import stats
from statsmodels.stats.multitest import multipletests

from nearkin import intervals
from nearkin.recall import ALL, LABEL, cells, genus_of

logger = logging.getLogger(__name__)

EXACT_UP_TO = 4000  # changed groups; beyond, the normal approximation differs in no printed digit


def compare(base_hits, trained_hits, *, n_train, ks, min_queries, resamples, seed):
    """Base against trained as a `Differences` table: see its declaration for the rows.

    `n_train` is (level, category, label, n_train). Both models must have answered the same
    queries; ValueError otherwise. Intervals resample groups within labels; the p-value is
    the exact sign-flip test over groups (McNemar's exact test where every group is one
    image), Holm over the labels with at least `min_queries` queries.
    """
    keys = ["protocol", "level", "uuid"]
    _same_queries(base_hits.select(keys), trained_hits.select(keys))
    parts = []
    for here, base in base_hits.group_by(["protocol", "level"]):
        trained = trained_hits.filter(protocol=here[0], level=here[1])
        found = _compared(cells(base, ks), cells(trained, ks), ks, min_queries, resamples, seed)
        parts.append(_stamped(found, *here, "recall"))
        if here[1] == "species":
            parts.append(_stamped(_genus_means(found), here[0], "genus", "genus_mean_of_species"))
    result = pl.concat(parts, how="diagonal_relaxed")
    return result.join(n_train, on=["level", *LABEL], how="left").with_columns(pl.col("n_train").fill_null(0))


def _same_queries(base, trained):
    extra = base.join(trained, on=base.columns, how="anti")
    missing = trained.join(base, on=base.columns, how="anti")
    if len(extra) or len(missing):
        first = pl.concat([extra, missing]).row(0)
        raise ValueError(
            f"the models did not answer the same queries: {len(extra)} only by the base, "
            f"{len(missing)} only by the trained, the first is {first}; rerun find_neighbours of both"
        )


def _compared(base, trained, ks, min_queries, resamples, seed):
    """One row per label, category and k: both recalls, the difference, interval and test."""
    strata = base.select(pl.struct(LABEL).rle_id()).to_series().to_numpy()
    labels = base.select(LABEL).unique(maintain_order=True)
    categories = labels["category"].unique().sort()
    scopes = [(ALL, ALL), *((category, ALL) for category in categories), *labels.iter_rows()]
    member = np.array(
        [[_in(label, scope) for label in labels.iter_rows()] for scope in scopes[: 1 + len(categories)]]
    )
    member = np.vstack([member, np.eye(len(labels))])  # (n_scopes, n_labels)
    n = base["n"].to_numpy()
    hits = np.stack([frame.select(f"h{k}" for k in ks).to_numpy() for frame in (base, trained)])
    change = hits[1] - hits[0]  # (n_cells, n_ks)
    values = np.column_stack([n, change])
    samples = [
        (member @ sums[..., 1:]) / (member @ sums[..., :1])
        for sums in intervals.resampled_sums(strata, values, resamples=resamples, seed=seed)
    ]
    low, high = 100 * intervals.percentile_interval(np.concatenate(samples))  # (n_scopes, n_ks)
    rows = []
    for row, scope in enumerate(scopes):
        inside = member[row, strata] > 0
        n_queries = int(n[inside].sum())
        n_groups = base.filter(pl.Series(inside))["group_id"].n_unique()
        for j, k in enumerate(ks):
            before, after = (int(hits[which, inside, j].sum()) for which in (0, 1))
            rows.append(
                {
                    "category": scope[0],
                    "label": scope[1],
                    "k": k,
                    "base": before / n_queries,
                    "trained": after / n_queries,
                    "points": 100 * (after - before) / n_queries,
                    "low": float(low[row, j]) if n_groups > 1 else None,
                    "high": float(high[row, j]) if n_groups > 1 else None,
                    "p_value": sign_flip(change[inside, j]),
                    "n_queries": n_queries,
                    "n_groups": n_groups,
                    "ranked": scope[1] != ALL and n_queries >= min_queries,
                }
            )
    schema = {"k": pl.Int32, "low": pl.Float64, "high": pl.Float64}
    return _holm(pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None))


def _in(label, scope):
    return scope[0] in (ALL, label[0])


def sign_flip(changes):
    """Two-sided p-value of a sum of group changes when every group's sign is a coin toss.

    Exact: the distribution of the sum is built by convolution (Fisher 1935, section 21).
    With changes of one image each this is McNemar's exact test. 1.0 when nothing changed.

    >>> sign_flip(np.array([1, 1, 1, 0]))
    0.25
    """
    sizes = np.abs(changes[changes != 0]).astype(int)
    total, observed = int(sizes.sum()), abs(int(changes.sum()))
    if observed == 0:
        return 1.0
    if len(sizes) > EXACT_UP_TO:
        return float(2 * stats.norm.sf((observed - 1) / math.sqrt(float((sizes**2).sum()))))
    chances = np.zeros(2 * total + 1)  # of the sums -total .. total
    chances[total] = 1
    for size in sizes:
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    tail = chances[total + observed :].sum() + chances[: total - observed + 1].sum()
    return float(min(1.0, tail))


def _holm(frame):
    """Holm's adjustment (1979) over the ranked labels, for each k."""
    frame = frame.with_row_index("position")
    parts = [frame.filter(~pl.col("ranked")).with_columns(p_holm=pl.lit(None, dtype=pl.Float64))]
    for _, block in frame.filter("ranked").group_by("k"):
        adjusted = multipletests(block["p_value"].to_numpy(), method="holm")[1]
        parts.append(block.with_columns(p_holm=pl.Series(adjusted)))
    return pl.concat(parts).sort("position").drop("position")


def _genus_means(found):
    """Species recalls averaged within each genus, as the reference study printed them."""
    species = found.filter(pl.col("label") != ALL).with_columns(label=genus_of("label"))
    genera = species.group_by([*LABEL, "k"]).agg(
        pl.col("base", "trained", "points").mean(),
        pl.col("n_queries", "n_groups").sum(),
        ranked=pl.lit(False),
    )
    return genera


def _stamped(frame, protocol, level, metric):
    return frame.with_columns(protocol=pl.lit(protocol), level=pl.lit(level), metric=pl.lit(metric))


def training_counts(labels, splits):
    """How many training images every label has: (level, category, label, n_train)."""
    train = labels.join(splits.filter(split="train").select("uuid"), on="uuid")
    ranks = ["category", "genus", "species"]
    parts = [
        train.filter(pl.col(rank).is_not_null()).select("category", level=pl.lit(rank), label=pl.col(rank))
        for rank in ranks
    ]
    named = pl.concat(parts)
    together = named.with_columns(label=pl.lit(ALL))
    everyone = together.with_columns(category=pl.lit(ALL))
    counted = pl.concat([named, together, everyone]).group_by("level", *LABEL).len("n_train")
    return counted.with_columns(pl.col("n_train").cast(pl.Int64))
