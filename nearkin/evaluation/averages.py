"""Averages of query scores: over queries, over labels, per label, with intervals."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import LabelGroupSums, add_resampling_units, bootstrap_sums
from nearkin.tables.categories import distinct_categories, genus_expr
from nearkin.vocabulary import ALL, LABEL

QUERY_SUBSETS = ["all", "reachable"]
AVERAGES = ["micro", "macro"]
DEPTH_LIMITED = ["r_precision", "map_at_r"]
"""Metrics that are undefined for a query with more relevant images than neighbours are stored."""
REACHABLE = pl.col("n_relevant") > 0
_N_UNREACHABLE = pl.col("n") - pl.col("reachable")
_SUBSET_COLUMNS = [("all", "n", "n_groups"), ("reachable", "reachable", "n_groups_reachable")]
"""Each query subset with the columns that count its queries and groups."""


class Metric(NamedTuple):
    """A number: its metric, how many neighbours it looks at, and the score of a query."""

    metric: str
    k: int
    score: pl.Expr


def list_metrics(ks: Sequence[int], depth: int) -> list[Metric]:
    """Every `Metric` of a `QueryScores` table that was made with these `ks` and this depth."""
    first = pl.col("first_relevant_rank")
    return [
        *(Metric("recall", k, (first <= k).fill_null(False)) for k in ks),
        *(Metric("precision", k, pl.col("n_relevant_at_k").list.get(i) / k) for i, k in enumerate(ks)),
        Metric("r_precision", depth, pl.col("r_precision")),
        Metric("map_at_r", depth, pl.col("average_precision")),
        Metric("mrr", depth, (1 / first).fill_null(0)),
    ]


def compute_metrics(
    hits: pl.DataFrame, *, ks: Sequence[int], depth: int, bootstrap_samples: int, seed: int
) -> pl.DataFrame:
    """Every number of a model, as a `Metrics` table: its declaration says what the rows are.

    Averages get percentile intervals, with groups resampled within species. Where all groups agree or
    fewer than `intervals.MIN_GROUPS` differ, and for a label's own recall, the interval is Wilson's with
    the number of groups as sample size, since images of one group mostly agree.
    """
    metrics = list_metrics(ks, depth)
    columns = [REACHABLE.alias("reachable"), *(m.score.alias(_name_column(m)) for m in metrics)]
    parts = []
    for (protocol,), queries in hits.group_by("protocol", maintain_order=True):
        queries, strata = add_resampling_units(queries)
        levels = [block for _, block in queries.group_by("level", maintain_order=True)]
        cells = [LabelGroupSums(block, columns) for block in levels]
        samples: list[list[np.ndarray]] = [[] for _ in levels]
        for resampled_sums in bootstrap_sums(cells, strata, bootstrap_samples=bootstrap_samples, seed=seed):
            for group_sums, sums, averages in zip(cells, resampled_sums, samples, strict=True):
                averages.append(_average_sums(sums, _list_scopes(group_sums.labels)[1]))
        for block, group_sums, averages in zip(levels, cells, samples, strict=True):
            labels = _sum_labels(block, group_sums)
            rows = [
                *_make_label_rows(labels, metrics),
                *_make_scope_rows(block, labels, metrics, np.concatenate(averages, axis=-1)),
            ]
            level = block["level"][0]
            parts.append(_add_keys(pl.concat(rows), protocol, level))
            if level == "species":
                parts.append(_add_keys(pl.concat(_make_genus_rows(labels, metrics)), protocol, "genus"))
    table = pl.concat(parts).with_columns(same_group_excluded=pl.lit(hits["same_group_excluded"][0]))
    reason = pl.when(pl.col("n_undefined") > 0, pl.col("metric").is_in(DEPTH_LIMITED)).then(
        pl.format(
            "{} of {} queries could find more than the {} stored", "n_undefined", "n_queries", pl.lit(depth)
        )
    )
    reason = pl.when(n_queries=0).then(pl.lit("no queries")).otherwise(reason)
    table = table.with_columns(null_reason=reason)
    is_defined = pl.when(pl.col("null_reason").is_null())
    return table.with_columns(is_defined.then(name).alias(name) for name in ("value", "ci_low", "ci_high"))


def _name_column(metric: Metric) -> str:
    return f"{metric.metric} {metric.k}"


def _list_scopes(labels: pl.DataFrame) -> tuple[list[str], np.ndarray]:
    """All labels, and those of each category: names, and which labels belong (n_scopes, n_labels)."""
    categories = distinct_categories(labels["category"])
    member = [labels["category"] == category for category in categories]
    return [ALL, *categories], np.array([np.ones(len(labels)), *member], dtype=float)


def _average_sums(sums: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Averages of sums (n_labels, 2 + n_metrics, n): (2, 2, n_scopes, n_metrics, n).

    The first axis is the query subset, the second micro and macro; NaN where there is no query.
    """
    scores = sums[:, 2:]
    averages = []
    with np.errstate(invalid="ignore"):
        for query_subset in range(len(QUERY_SUBSETS)):
            counts = sums[:, query_subset, None]
            shares = np.divide(scores, counts, out=np.zeros_like(scores), where=counts > 0)
            micro = np.tensordot(member, scores, 1) / np.tensordot(member, counts, 1)
            macro = np.tensordot(member, shares, 1) / np.tensordot(member, (counts > 0).astype(float), 1)
            averages.append([micro, macro])
    return np.array(averages)


def _sum_labels(block: pl.DataFrame, cells: LabelGroupSums) -> pl.DataFrame:
    """The sums of each label, with its groups: `n_groups`, those of reachable queries, `n_undefined`."""
    undefined = block.group_by(LABEL).agg(n_undefined=pl.col("r_precision").null_count().cast(pl.Int64))
    groups = {"n_groups": pl.len(), "n_groups_reachable": (pl.col("reachable") > 0).sum()}
    sums = pl.all().exclude(*LABEL, "unit").sum()
    labels = cells.table.group_by(LABEL, maintain_order=True).agg(sums, **groups)
    return labels.join(undefined, on=LABEL, how="left", maintain_order="left")


def _make_label_rows(labels: pl.DataFrame, metrics: Sequence[Metric]) -> Iterator[pl.DataFrame]:
    """The numbers of each label that has a query; a recall with Wilson's interval."""
    for query_subset, count, groups in _SUBSET_COLUMNS:
        with_queries = labels.filter(pl.col(count) > 0)
        no_interval = np.full(len(with_queries), np.nan)
        for metric in metrics:
            share = (with_queries[_name_column(metric)] / with_queries[count]).to_numpy()
            ends = no_interval, no_interval
            if metric.metric == "recall":
                ends = intervals.wilson(share, with_queries[groups].to_numpy())
            rows = with_queries.with_columns(
                n_queries=pl.col(count),
                n_groups=pl.col(groups),
                n_labels=pl.lit(1),
                n_unreachable=_N_UNREACHABLE,
            )
            yield _make_rows(rows, metric, "per_label", query_subset, share, ends)


def _make_scope_rows(
    block: pl.DataFrame, labels: pl.DataFrame, metrics: Sequence[Metric], samples: np.ndarray
) -> Iterator[pl.DataFrame]:
    """Micro and macro averages over all labels, and over those of every category if there is any."""
    names, member = _list_scopes(labels)
    sums = labels.select("n", "reachable", *map(_name_column, metrics)).to_numpy()[..., None]
    values = _average_sums(sums, member)[..., 0]
    ends = np.clip(intervals.percentile_interval(np.moveaxis(samples, -1, 0)), 0, 1)  # of weighted sums
    no_score = member @ labels.select("n_undefined", _N_UNREACHABLE.alias("n_unreachable")).to_numpy()
    for p, (query_subset, count, _) in enumerate(_SUBSET_COLUMNS):
        queries = block if query_subset == ALL else block.filter(REACHABLE)
        groups = queries.group_by("category").agg(pl.col("group_id").n_unique().alias("n_groups"))
        n_groups = dict(groups.iter_rows()) | {ALL: queries["group_id"].n_unique()}
        rows = pl.DataFrame(
            {
                "category": names,
                "label": ALL,
                "n_queries": member @ labels[count].to_numpy(),
                "n_groups": [n_groups.get(name, 0) for name in names],
                "n_labels": member @ (labels[count] > 0).to_numpy().astype(float),
                "n_undefined": no_score[:, 0],
                "n_unreachable": no_score[:, 1],
            }
        )
        for a, average in enumerate(AVERAGES):
            for m, metric in enumerate(metrics):
                value = values[p, a, :, m]
                low, high = intervals.wilson_if_sparse(
                    value, ends[:, p, a, :, m], rows["n_groups"].to_numpy()
                )
                yield _make_rows(rows, metric, average, query_subset, value, (low, high))


def _make_genus_rows(labels: pl.DataFrame, metrics: Sequence[Metric]) -> Iterator[pl.DataFrame]:
    """The reference study's genus numbers: species recalls averaged within each genus."""
    species = labels.with_columns(label=genus_expr("label"))
    counts = pl.col("n", "n_groups", "reachable").sum()
    for metric in metrics:
        if metric.metric == "recall":
            mean = (pl.col(_name_column(metric)) / pl.col("n")).mean()
            genera = species.group_by(LABEL).agg(counts, mean.alias("share"), n_labels=pl.len()).sort(LABEL)
            rows = genera.with_columns(n_queries="n", n_unreachable=_N_UNREACHABLE, n_undefined=pl.lit(0))
            no_interval = np.full(len(genera), np.nan)
            genus_metric = metric._replace(metric="genus_mean_of_species")
            yield _make_rows(
                rows, genus_metric, "per_label", ALL, genera["share"].to_numpy(), (no_interval, no_interval)
            )


def _make_rows(
    frame: pl.DataFrame,
    metric: Metric,
    average: str,
    query_subset: str,
    value: np.ndarray,
    ends: Iterable[np.ndarray],
) -> pl.DataFrame:
    counts = pl.col("n_queries", "n_groups", "n_labels", "n_undefined", "n_unreachable").cast(pl.Int64)
    low, high = ends
    numbers = {"value": value, "ci_low": low, "ci_high": high}
    return frame.select(
        *LABEL,
        counts,
        *(pl.Series(name, column).fill_nan(None) for name, column in numbers.items()),
        metric=pl.lit(metric.metric),
        average=pl.lit(average),
        query_subset=pl.lit(query_subset),
        k=pl.lit(metric.k, dtype=pl.Int32),
    )


def _add_keys(frame: pl.DataFrame, protocol: str, level: str) -> pl.DataFrame:
    return frame.with_columns(protocol=pl.lit(protocol), level=pl.lit(level))
