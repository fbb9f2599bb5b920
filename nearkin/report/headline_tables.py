"""The headline numbers as tables of the page: one per protocol, a row per model."""

from nearkin.html.format_numbers import format_count_range
from nearkin.vocabulary import PROTOCOLS

TITLES = {
    "leave_one_out": (
        "Leave one out",
        "Every test image is searched for among the other test images, as in the reference study.",
    ),
    "train_gallery": (
        "Train gallery",
        "Every test image is searched for among the training images: what somebody who searches a "
        "collection meets.",
    ),
    "unseen_species": (
        "Unseen species",
        "Leave one out among species that training never saw and no other protocol searches.",
    ),
}

LEVELS = ["category", "genus", "species"]


METRIC_TITLES = {"precision": "Precision", "r_precision": "R-precision", "map_at_r": "MAP@R", "mrr": "MRR"}


def make_headline_tables(records, others, *, models):
    """One dict per protocol: title, text, columns and rows, from `recall_records` and `other_records`.

    A column says level, k, average, query_subset and n; a cell is value, low and high. Under
    `others` stand the columns of the species' other scores: `score`, n and cells.
    """
    present = {record["protocol"] for record in records}
    return [
        _make_recall_table(records, protocol, models)
        | {"others": _make_other_table(others, protocol, models)}
        for protocol in PROTOCOLS
        if protocol in present
    ]


def lead_numbers(records, *, models):
    """The species recalls that the page opens with: one dict per model, the first protocol there is."""
    present = [protocol for protocol in PROTOCOLS if any(row["protocol"] == protocol for row in records)]
    wanted = {"level": "species", "k": 1, "average": "micro", "query_subset": "all"}
    found = [_find_record(records, present[0], model, wanted) for model in models] if present else []
    return [record for record in found if record and record["value"] is not None]


def _make_recall_table(records, protocol, models):
    title, text = TITLES[protocol]
    columns = []
    for wanted in _select_ks(sorted({record["k"] for record in records})):
        found = [_find_record(records, protocol, model, wanted) for model in models]
        counts = [record["n_queries"] for record in found if record]
        if counts:
            n = format_count_range(min(counts), max(counts))
            columns.append(wanted | {"n": n, "cells": dict(zip(models, found, strict=True))})
    species = [
        cell for column in columns if column["level"] == "species" for cell in column["cells"].values()
    ]
    lost = max((cell["n_unreachable"] for cell in species if cell), default=0)
    masked = any(
        cell and cell["same_group_excluded"] for column in columns for cell in column["cells"].values()
    )
    return {
        "protocol": protocol,
        "title": title,
        "text": text,
        "columns": columns,
        "n_unreachable": lost,
        "same_group_excluded": masked,
    }


def _make_other_table(records, protocol, models):
    """Precision at the larger ks (at 1 it is recall), and the scores without a k."""
    shown = [row for row in records if row["metric"] != "precision" or row["k"] > 1]
    columns = []
    for metric, k in dict.fromkeys((row["metric"], row["k"]) for row in shown):
        wanted = {"level": "species", "metric": metric, "k": k, "average": "micro", "query_subset": "all"}
        found = [_find_record(shown, protocol, model, wanted) for model in models]
        counts = [record["n_queries"] for record in found if record]
        if counts:
            at = f"@{k}" if metric in ("precision", "mrr") else ""
            n = format_count_range(min(counts), max(counts))
            columns.append(
                {"score": METRIC_TITLES[metric] + at, "n": n, "cells": dict(zip(models, found, strict=True))}
            )
    return columns


def _select_ks(ks):
    micro = {"average": "micro", "query_subset": "all"}
    yield from ({"level": level, "k": 1} | micro for level in LEVELS)
    yield {"level": "species", "k": 1, "average": "macro", "query_subset": "all"}
    yield {"level": "species", "k": 1, "average": "micro", "query_subset": "reachable"}
    yield from ({"level": "species", "k": k} | micro for k in ks if k != 1)


def _find_record(records, protocol, model, wanted):
    wanted = wanted | {"protocol": protocol, "model": model}
    return next((row for row in records if wanted.items() <= row.items()), None)
