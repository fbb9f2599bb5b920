"""The headline numbers of several models: printed, and for machines."""

import polars as pl

from nearkin.tables.scores import METRICS
from nearkin.vocabulary import ALL, LEVELS, PROTOCOLS

PRINTED_LEVELS = ["category", "genus", "species"]
OTHER_METRICS = ["precision", "r_precision", "map_at_r", "mrr"]
DEFINITION = (
    "recall@k (any hit): share of queries with at least one image of their own label among their k "
    "nearest neighbours; micro averages queries, macro averages labels; low and high are the ends of "
    "95 % bootstrap intervals over groups"
)


def recall_records(recalls, *, ks):
    """All overall recalls of models, as a list of dicts in a fixed order.

    `recalls` maps model names to `Metrics` tables. A recall without any query is None.
    """
    return _select_overall(recalls, pl.col("metric") == "recall", pl.col("k").is_in(ks))


def other_records(recalls, *, ks):
    """The same of the other scores: precision at the `ks`, R-precision, MAP@R and MRR."""
    at_k = pl.col("k").is_in(ks) | (pl.col("metric") != "precision")
    return _select_overall(recalls, pl.col("metric").is_in(OTHER_METRICS), at_k)


def _select_overall(recalls, *conditions):
    order = {
        "protocol": PROTOCOLS,
        "level": LEVELS,
        "metric": METRICS,
        "average": ["micro", "macro"],
    }
    by = [pl.col(name).cast(pl.Enum(values)) for name, values in order.items()]
    found = []
    for model, recall in recalls.items():
        chosen = recall.filter(pl.col("average") != "label", *conditions, category=ALL, label=ALL)
        rows = chosen.sort(*by, "query_subset", "k").drop("category", "label")
        found += [{"model": model, **row} for row in rows.to_dicts()]
    return found


def format_headline(found):
    """The records over all queries as blocks of text, one per model."""
    lines = []
    shown = [row for row in found if row["query_subset"] == "all" and row["level"] in PRINTED_LEVELS]
    micro = [row for row in shown if row["average"] == "micro"]
    macro = {_sort_key(row): row for row in shown if row["average"] == "macro"}
    model = protocol = None
    for row in micro:
        if row["model"] != model:
            model, protocol = row["model"], None
            lines += ["", model] if lines else [model]
        if row["protocol"] != protocol:
            protocol = row["protocol"]
            mates = "left out of" if row["same_group_excluded"] else "kept in"
            lines.append(f"Protocol {protocol}, all queries, group mates {mates} the gallery")
        lines.append(_format_line(row, macro[_sort_key(row)]))
    return "\n".join(lines) + "\n"


def _sort_key(row):
    return row["model"], row["protocol"], row["level"], row["k"]


def _format_line(micro, macro):
    name = f"Overall {micro['level'].capitalize()} Recall@{micro['k']}"
    counts = f"n = {micro['n_queries']} queries, {micro['n_labels']} labels"
    if micro["value"] is None:
        return f"{name}: no queries ({counts})"
    return f"{name}: {micro['value']:.4f} micro, {macro['value']:.4f} macro ({counts})"
