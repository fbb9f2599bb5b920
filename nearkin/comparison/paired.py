"""Two models on the same queries: what changed, and how sure that is."""

import logging
from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import sparse, stats
from statsmodels.stats.multitest import multipletests

from nearkin.comparison.shrinkage import shrink
from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import LabelGroupSums, add_resampling_units, bootstrap_sums
from nearkin.evaluation.significance import sign_flip
from nearkin.tables.categories import distinct_categories, genus_expr
from nearkin.vocabulary import ALL, LABEL, LEVELS, NONE

logger = logging.getLogger(__name__)

MIN_CHANGED_GROUPS = 6  # changed groups: with one less, 2 * 0.5**5 > 0.05
CHUNK_NUMBERS = 2**25  # resampled differences in memory


def compare_models(
    base_hits: pl.DataFrame,
    trained_hits: pl.DataFrame,
    *,
    n_train: pl.DataFrame,
    ks: Sequence[int],
    min_queries: int,
    bootstrap_samples: int,
    seed: int,
) -> pl.DataFrame:
    """Base against trained as a `Differences` table: see its declaration for the rows.

    `n_train` is (level, category, label, n_train). Both models must have answered the same
    queries; ValueError otherwise. Intervals resample groups within species; where fewer than
    MIN_CHANGED_GROUPS groups changed, they come from the shares that improved and worsened. The
    p-value is the exact sign-flip test over groups (McNemar's exact test where every group is one
    image), Holm over the labels with at least `min_queries` queries.
    """
    keys = ["protocol", "level", "uuid"]
    check_same_queries(base_hits.select(keys), trained_hits.select(keys))
    both = base_hits.join(trained_hits.select(*keys, trained_hit="first_relevant_rank"), on=keys)
    both = both.with_columns(
        *((pl.col("first_relevant_rank") <= k).cast(pl.Int64).alias(f"base {k}") for k in ks),
        *((pl.col("trained_hit") <= k).cast(pl.Int64).alias(f"trained {k}") for k in ks),
    )
    parts = []
    for (protocol,), queries in both.group_by("protocol", maintain_order=True):
        queries, strata = add_resampling_units(queries)
        for (level,), block in queries.group_by("level", maintain_order=True):
            groups, ends = _sum_groups(block, ks), _compute_ends(block, strata, ks, bootstrap_samples, seed)
            rows = _add_adjusted_p_values(
                pl.concat(_compare_scopes(groups, k, ends[k], min_queries) for k in ks)
            )
            parts.append(_add_keys(rows, protocol, level, "recall"))
            if level == "species":
                parts.append(_add_keys(_average_genera(rows), protocol, "genus", "genus_mean_of_species"))
    result = pl.concat(parts, how="diagonal_relaxed")
    return result.join(n_train, on=["level", *LABEL], how="left").with_columns(pl.col("n_train").fill_null(0))


def check_same_queries(base: pl.DataFrame, trained: pl.DataFrame) -> None:
    """Raises ValueError unless both have the same rows (protocol, level, uuid)."""
    extra = base.join(trained, on=base.columns, how="anti")
    missing = trained.join(base, on=base.columns, how="anti")
    if len(extra) or len(missing):
        first = pl.concat([extra, missing]).row(0)
        raise ValueError(
            f"the models did not answer the same queries: {len(extra)} only by the base, "
            f"{len(missing)} only by the trained, the first is {first}; rerun search_neighbours of both"
        )


def _sum_groups(block: pl.DataFrame, ks: Sequence[int]) -> pl.DataFrame:
    """The queries `n` of each group and their hits, by scope: everything, each category, each label.

    They are sorted, since the last bits of sums depend on their order.
    """
    category = block.with_columns(label=pl.lit(ALL))
    scoped = pl.concat(
        [
            category.with_columns(category=pl.lit(ALL)),
            category.filter(pl.col("category").is_in(distinct_categories(block["category"]))),
            block,
        ]
    )
    hits = pl.col(*(f"{model} {k}" for model in ("base", "trained") for k in ks)).sum()
    key = [*LABEL, "group_id"]
    return scoped.group_by(key).agg(pl.len().cast(pl.Int64).alias("n"), hits).sort(key)


def _compare_scopes(groups: pl.DataFrame, k: int, ends: pl.DataFrame, min_queries: int) -> pl.DataFrame:
    """One row per scope of `_sum_groups`."""
    groups = groups.with_columns(change=pl.col(f"trained {k}") - pl.col(f"base {k}"))
    rows = groups.group_by(LABEL, maintain_order=True).agg(
        base=pl.col(f"base {k}").sum() / pl.col("n").sum(),
        trained=pl.col(f"trained {k}").sum() / pl.col("n").sum(),
        diff_pp=100 * pl.col("change").sum() / pl.col("n").sum(),
        p_value=pl.col("change"),
        n_queries=pl.col("n").sum(),
        n_groups=pl.len().cast(pl.Int64),
        n_improved=(pl.col("change") > 0).sum(),
        n_worsened=(pl.col("change") < 0).sum(),
        spread=((pl.col("change") / pl.col("n") - pl.col("change").sum() / pl.col("n").sum()) ** 2).sum(),
    )
    rows = ends.join(_add_shrunk(rows), on=LABEL, how="left", maintain_order="left")
    return widen_sparse_intervals(rows).with_columns(
        k=pl.lit(k, dtype=pl.Int32),
        p_value=pl.Series([sign_flip(changes.to_numpy()) for changes in rows["p_value"]]),
        enough_queries=(pl.col("label") != ALL) & (pl.col("n_queries") >= min_queries),
    )


def _add_shrunk(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `diff_pp_shrunk`, the points of labels shrunk towards the mean of their category.

    A label's variance is that of group changes, the same for all labels of a category, over its groups.
    """
    labels = rows.filter(pl.col("label") != ALL)
    parts = [rows.filter(label=ALL).with_columns(diff_pp_shrunk=pl.lit(None, dtype=pl.Float64))]
    for _, block in labels.group_by("category", maintain_order=True):
        n_groups = block["n_groups"].to_numpy()
        variance = 100**2 * block["spread"].sum() / max(1, (n_groups - 1).sum())
        shrunk = shrink(block["diff_pp"].to_numpy(), variance / n_groups)
        parts.append(block.with_columns(diff_pp_shrunk=pl.Series(shrunk)))
    return pl.concat(parts).drop("spread")


def widen_sparse_intervals(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, with intervals from the shares of groups that changed where resampling shows too little.

    That is where fewer than MIN_CHANGED_GROUPS groups changed, or the interval has no width. With so few
    changes the interval holds 0: even if all had the same sign, the exact test would not reach 5 %.
    Takes and drops the columns `n_improved` and `n_worsened`, of groups.
    """
    counts = (rows[name].to_numpy() for name in ("n_improved", "n_worsened", "n_groups"))
    down, up = (100 * pl.Series(margin) for margin in intervals.newcombe_margins(*counts))
    low = (pl.col("diff_pp") - down).clip(lower_bound=-100)
    high = (pl.col("diff_pp") + up).clip(upper_bound=100)
    is_sparse = pl.col("n_improved") + pl.col("n_worsened") < MIN_CHANGED_GROUPS
    is_flat = pl.col("ci_high") - pl.col("ci_low") < 1e-9
    return rows.with_columns(
        ci_low=pl.when(is_sparse).then(low.clip(upper_bound=0)).when(is_flat).then(low).otherwise("ci_low"),
        ci_high=pl.when(is_sparse)
        .then(high.clip(lower_bound=0))
        .when(is_flat)
        .then(high)
        .otherwise("ci_high"),
    ).drop("n_improved", "n_worsened")


def _compute_ends(
    block: pl.DataFrame, strata: np.ndarray, ks: Sequence[int], bootstrap_samples: int, seed: int
) -> dict[int, pl.DataFrame]:
    """For each k the scopes (category, label) with the ends of their difference, in points."""
    cells = LabelGroupSums(block, [pl.col(f"{model} {k}") for model in ("base", "trained") for k in ks])
    categories = distinct_categories(cells.labels["category"])
    names = pl.concat([pl.DataFrame({"category": [ALL, *categories], "label": ALL}), cells.labels])
    of_categories = [
        np.ones(len(cells.labels)),
        *((cells.labels["category"] == name).to_numpy() for name in categories),
    ]
    member = sparse.vstack(
        [sparse.csr_array(np.array(of_categories, dtype=float)), sparse.eye_array(len(cells.labels))]
    )
    ends = []
    step = max(1, CHUNK_NUMBERS // (bootstrap_samples * len(ks)))
    for start in range(0, len(names), step):
        scopes = member.tocsr()[start : start + step]
        chunks = bootstrap_sums([cells], strata, bootstrap_samples=bootstrap_samples, seed=seed)
        samples = np.concatenate([_subtract_shares(scopes, sums, len(ks)) for (sums,) in chunks], axis=-1)
        ends.append(100 * intervals.percentile_interval(np.moveaxis(samples, -1, 0)))
    low, high = np.concatenate(ends, axis=1)  # (n_scopes, n_ks)
    return {
        k: names.with_columns(ci_low=pl.Series(low[:, j]), ci_high=pl.Series(high[:, j]))
        for j, k in enumerate(ks)
    }


def _subtract_shares(member: sparse.csr_array, sums: np.ndarray, n_ks: int) -> np.ndarray:
    """Trained less base of sums (n_labels, 1 + 2 n_ks, n): (n_scopes, n_ks, n), NaN without queries."""
    totals = (member @ sums.reshape(len(sums), -1)).reshape(-1, *sums.shape[1:])
    with np.errstate(invalid="ignore"):
        return (totals[:, 1 + n_ks :] - totals[:, 1 : 1 + n_ks]) / totals[:, :1]


def _add_adjusted_p_values(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with p-values adjusted over the ranked labels of each k.

    They are Holm's (1979), and those of Benjamini and Hochberg (1995).
    """
    frame = frame.with_row_index("position")
    nothing = pl.lit(None, dtype=pl.Float64)
    parts = [frame.filter(~pl.col("enough_queries")).with_columns(p_holm=nothing, q_value_bh=nothing)]
    for _, block in frame.filter("enough_queries").group_by("k"):
        p_values = block["p_value"].to_numpy()
        adjusted = {
            "p_holm": multipletests(p_values, method="holm")[1],
            "q_value_bh": stats.false_discovery_control(p_values),
        }
        parts.append(block.with_columns(**{name: pl.Series(values) for name, values in adjusted.items()}))
    return pl.concat(parts).sort("position").drop("position")


def _average_genera(rows: pl.DataFrame) -> pl.DataFrame:
    """Species recalls averaged within each genus, as the reference study printed them."""
    species = rows.filter(pl.col("label") != ALL).with_columns(label=genus_expr("label"))
    return species.group_by([*LABEL, "k"]).agg(
        pl.col("base", "trained", "diff_pp").mean(),
        pl.col("n_queries", "n_groups").sum(),
        enough_queries=pl.lit(False),
    )


def _add_keys(frame: pl.DataFrame, protocol: str, level: str, metric: str) -> pl.DataFrame:
    return frame.with_columns(protocol=pl.lit(protocol), level=pl.lit(level), metric=pl.lit(metric))


def count_training_images(labels: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """How many training images every label has: (level, category, label, n_train)."""
    train = labels.join(splits.filter(split="train").select("uuid"), on="uuid")
    parts = [train.select("category", level=pl.lit(level), label=pl.col(level)) for level in LEVELS]
    by_label = pl.concat(parts).filter(pl.col("label") != NONE)
    by_category = by_label.with_columns(label=pl.lit(ALL))
    overall = by_category.with_columns(category=pl.lit(ALL))
    counts = pl.concat([by_label, by_category, overall]).group_by("level", *LABEL).len("n_train")
    return counts.with_columns(pl.col("n_train").cast(pl.Int64))
