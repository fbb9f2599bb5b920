"""The headline numbers of several models: printed, and for machines."""

from collections.abc import Mapping, Sequence
from typing import TypedDict, cast

import polars as pl

from nearkin.tables.scores import METRICS
from nearkin.vocabulary import ALL, LEVELS, MAIN_LEVELS, PROTOCOLS

OTHER_METRICS = ["precision", "r_precision", "map_at_r", "mrr"]
DEFINITION = (
    "recall@k (any hit): share of queries with at least one image of their own label among their k "
    "nearest neighbours; micro averages queries, macro averages labels; low and high are the ends of "
    "95 % bootstrap intervals over groups"
)


class MetricRecord(TypedDict):
    """A row of a `Metrics` table for all labels together, with its model."""

    model: str
    protocol: str
    level: str
    metric: str
    average: str
    query_subset: str
    k: int
    value: float | None
    null_reason: str | None
    ci_low: float | None
    ci_high: float | None
    n_queries: int
    n_groups: int
    n_labels: int
    n_unreachable: int
    same_group_excluded: bool


def list_recall_records(recalls: Mapping[str, pl.DataFrame], *, ks: Sequence[int]) -> list[MetricRecord]:
    """All overall recalls of models, in a fixed order.

    `recalls` maps model names to `Metrics` tables. A recall without any query is None.
    """
    return _select_overall(recalls, pl.col("metric") == "recall", pl.col("k").is_in(ks))


def list_other_records(recalls: Mapping[str, pl.DataFrame], *, ks: Sequence[int]) -> list[MetricRecord]:
    """The same of the other scores: precision at the `ks`, R-precision, MAP@R and MRR."""
    at_k = pl.col("k").is_in(ks) | (pl.col("metric") != "precision")
    return _select_overall(recalls, pl.col("metric").is_in(OTHER_METRICS), at_k)


def _select_overall(recalls: Mapping[str, pl.DataFrame], *conditions: pl.Expr) -> list[MetricRecord]:
    order = {
        "protocol": PROTOCOLS,
        "level": LEVELS,
        "metric": METRICS,
        "average": ["micro", "macro"],
    }
    by = [pl.col(name).cast(pl.Enum(values)) for name, values in order.items()]
    records = []
    for model, recall in recalls.items():
        chosen = recall.filter(*conditions, category=ALL, label=ALL)
        rows = chosen.sort(*by, "query_subset", "k").drop("category", "label")
        records += [{"model": model, **row} for row in rows.to_dicts()]
    return cast(list[MetricRecord], records)


def format_headline(records: Sequence[MetricRecord]) -> str:
    """The records over all queries as blocks of text, one per model."""
    lines = []
    shown = [row for row in records if row["query_subset"] == "all" and row["level"] in MAIN_LEVELS]
    micro = [row for row in shown if row["average"] == "micro"]
    macro = {_make_key(row): row for row in shown if row["average"] == "macro"}
    model = protocol = None
    for row in micro:
        if row["model"] != model:
            model, protocol = row["model"], None
            lines += ["", model] if lines else [model]
        if row["protocol"] != protocol:
            protocol = row["protocol"]
            treatment = "left out of" if row["same_group_excluded"] else "kept in"
            lines.append(
                f"Protocol {protocol}, all queries, images of the query's group {treatment} the gallery"
            )
        lines.append(_format_line(row, macro[_make_key(row)]))
    return "\n".join(lines) + "\n"


def _make_key(row: MetricRecord) -> tuple[str, str, str, int]:
    """What a micro average has in common with its macro average."""
    return row["model"], row["protocol"], row["level"], row["k"]


def _format_line(micro: MetricRecord, macro: MetricRecord) -> str:
    name = f"Overall {micro['level'].capitalize()} Recall@{micro['k']}"
    counts = f"n = {micro['n_queries']} queries, {micro['n_labels']} labels"
    if micro["value"] is None:
        return f"{name}: no queries ({counts})"
    return f"{name}: {micro['value']:.4f} micro, {macro['value']:.4f} macro ({counts})"
