"""Scores of queries averaged: over queries, over labels, per label, with intervals."""

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
"""What is not defined for a query with more to find than neighbours are stored."""


REACHABLE = (pl.col("n_relevant") > 0).alias("reachable")
_LOST = pl.col("n") - pl.col("reachable")
_COUNTED = [("all", "n", "n_groups"), ("reachable", "reachable", "n_groups_reachable")]


class Metric(NamedTuple):
    """A number: its metric, how many neighbours it looks at, and the score of a query."""

    metric: str
    k: int
    score: pl.Expr


def measures(ks, depth):
    """Every `Metric` of a `QueryScores` table that was made with these `ks` and this depth."""
    first = pl.col("first_relevant_rank")
    return [
        *(Metric("recall", k, (first <= k).fill_null(False)) for k in ks),
        *(Metric("precision", k, pl.col("n_relevant_at_k").list.get(i) / k) for i, k in enumerate(ks)),
        Metric("r_precision", depth, pl.col("r_precision")),
        Metric("map_at_r", depth, pl.col("average_precision")),
        Metric("mrr", depth, (1 / first).fill_null(0)),
    ]


def compute_metrics(hits, *, ks, depth, resamples, seed):
    """Every number of a model, as a `Metrics` table: its declaration says what the rows are.

    Averages get percentile intervals, groups resampled within species; where all groups agree,
    and for a label's own recall, it is Wilson's interval with the number of groups as sample
    size, since images of one group mostly agree.
    """
    of = measures(ks, depth)
    parts = []
    for (protocol,), asked in hits.group_by("protocol", maintain_order=True):
        asked, strata = add_resampling_units(asked)
        levels = [block for _, block in asked.group_by("level", maintain_order=True)]
        cells = [
            LabelGroupSums(block, [REACHABLE, *(one.score.alias(_name(one)) for one in of)])
            for block in levels
        ]
        samples = [[] for _ in levels]
        for drawn in bootstrap_sums(cells, strata, resamples=resamples, seed=seed):
            for one, sums, kept in zip(cells, drawn, samples, strict=True):
                kept.append(_averages(sums, _scopes(one.labels)[1]))
        for block, one, kept in zip(levels, cells, samples, strict=True):
            labels = _per_label(block, one)
            found = [*_of_labels(labels, of), *_of_scopes(block, labels, of, np.concatenate(kept, axis=-1))]
            level = block["level"][0]
            parts.append(_stamped(pl.concat(found), protocol, level))
            if level == "species":
                parts.append(_stamped(pl.concat(_genus_means(labels, of)), protocol, "genus"))
    found = pl.concat(parts).with_columns(same_group_excluded=pl.lit(hits["same_group_excluded"][0]))
    why = pl.when(pl.col("n_undefined") > 0, pl.col("metric").is_in(DEPTH_LIMITED)).then(
        pl.format(
            "{} of {} queries could find more than the {} stored", "n_undefined", "n_queries", pl.lit(depth)
        )
    )
    why = pl.when(n_queries=0).then(pl.lit("no queries")).otherwise(why)
    found = found.with_columns(null_reason=why)
    known = pl.when(pl.col("null_reason").is_null())
    return found.with_columns(known.then(name).alias(name) for name in ("value", "ci_low", "ci_high"))


def _name(measure):
    return f"{measure.metric} {measure.k}"


def _scopes(labels):
    """All labels, and those of each category: names, and which labels belong (n_scopes, n_labels)."""
    categories = distinct_categories(labels["category"])
    member = [labels["category"] == category for category in categories]
    return [ALL, *categories], np.array([np.ones(len(labels)), *member], dtype=float)


def _averages(sums, member):
    """Averages of sums (n_labels, 2 + n_measures, n): (2, 2, n_scopes, n_measures, n).

    The first axis is the query_subset, the second micro and macro; NaN where nobody queries.
    """
    scores = sums[:, 2:]
    found = []
    with np.errstate(invalid="ignore"):
        for query_subset in range(len(QUERY_SUBSETS)):
            counts = sums[:, query_subset, None]
            shares = np.divide(scores, counts, out=np.zeros_like(scores), where=counts > 0)
            micro = np.tensordot(member, scores, 1) / np.tensordot(member, counts, 1)
            macro = np.tensordot(member, shares, 1) / np.tensordot(member, (counts > 0).astype(float), 1)
            found.append([micro, macro])
    return np.array(found)


def _per_label(block, cells):
    """The sums of each label, with its groups: `n_groups`, those of reachable queries, `n_undefined`."""
    undefined = block.group_by(LABEL).agg(n_undefined=pl.col("r_precision").null_count().cast(pl.Int64))
    groups = {"n_groups": pl.len(), "n_groups_reachable": (pl.col("reachable") > 0).sum()}
    sums = pl.all().exclude(*LABEL, "unit").sum()
    labels = cells.table.group_by(LABEL, maintain_order=True).agg(sums, **groups)
    return labels.join(undefined, on=LABEL, how="left", maintain_order="left")


def _of_labels(labels, of):
    """The numbers of each label that has a query; a recall with Wilson's interval."""
    for query_subset, count, groups in _COUNTED:
        asked = labels.filter(pl.col(count) > 0)
        for one in of:
            share = (asked[_name(one)] / asked[count]).to_numpy()
            ends = 2 * [np.full(len(asked), np.nan)]
            if one.metric == "recall":
                ends = intervals.wilson(share, asked[groups].to_numpy())
            rows = asked.with_columns(
                n_queries=pl.col(count), n_groups=pl.col(groups), n_labels=pl.lit(1), n_unreachable=_LOST
            )
            yield _rows(rows, one, "per_label", query_subset, share, ends)


def _of_scopes(block, labels, of, samples):
    """Micro and macro of all labels together and of every category, if there are any."""
    names, member = _scopes(labels)
    sums = labels.select("n", "reachable", *map(_name, of)).to_numpy()[..., None]
    values = _averages(sums, member)[..., 0]
    ends = np.clip(intervals.percentile_interval(np.moveaxis(samples, -1, 0)), 0, 1)  # of weighted sums
    lost = member @ labels.select("n_undefined", _LOST.alias("lost")).to_numpy()
    for p, (query_subset, count, _) in enumerate(_COUNTED):
        asked = block if query_subset == ALL else block.filter(pl.col("n_relevant") > 0)
        groups = asked.group_by("category").agg(pl.col("group_id").n_unique().alias("n_groups"))
        n_groups = dict(groups.iter_rows()) | {ALL: asked["group_id"].n_unique()}
        rows = pl.DataFrame(
            {
                "category": names,
                "label": ALL,
                "n_queries": member @ labels[count].to_numpy(),
                "n_groups": [n_groups.get(name, 0) for name in names],
                "n_labels": member @ (labels[count] > 0).to_numpy().astype(float),
                "n_undefined": lost[:, 0],
                "n_unreachable": lost[:, 1],
            }
        )
        for a, average in enumerate(AVERAGES):
            for m, one in enumerate(of):
                value = values[p, a, :, m]
                low, high = intervals.wilson_if_sparse(
                    value, ends[:, p, a, :, m], rows["n_groups"].to_numpy()
                )
                yield _rows(rows, one, average, query_subset, value, (low, high))


def _genus_means(labels, of):
    """The reference study's genus numbers: species recalls averaged within each genus."""
    species = labels.with_columns(label=genus_expr("label"))
    counts = pl.col("n", "n_groups", "reachable").sum()
    for one in of:
        if one.metric == "recall":
            mean = (pl.col(_name(one)) / pl.col("n")).mean()
            genera = species.group_by(LABEL).agg(counts, mean.alias("share"), n_labels=pl.len()).sort(LABEL)
            rows = genera.with_columns(n_queries="n", n_unreachable=_LOST, n_undefined=pl.lit(0))
            ends = 2 * [np.full(len(genera), np.nan)]
            one = one._replace(metric="genus_mean_of_species")
            yield _rows(rows, one, "per_label", ALL, genera["share"].to_numpy(), ends)


def _rows(frame, measure, average, query_subset, value, ends):
    counts = pl.col("n_queries", "n_groups", "n_labels", "n_undefined", "n_unreachable").cast(pl.Int64)
    numbers = {"value": value, "ci_low": ends[0], "ci_high": ends[1]}
    return frame.select(
        *LABEL,
        counts,
        *(pl.Series(name, column).fill_nan(None) for name, column in numbers.items()),
        metric=pl.lit(measure.metric),
        average=pl.lit(average),
        query_subset=pl.lit(query_subset),
        k=pl.lit(measure.k, dtype=pl.Int32),
    )


def _stamped(frame, protocol, level):
    return frame.with_columns(protocol=pl.lit(protocol), level=pl.lit(level))
