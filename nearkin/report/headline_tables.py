"""The headline numbers as tables of the page: one per protocol, a row per model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nearkin.html.format_numbers import format_count_range
from nearkin.report.headline_numbers import MetricRecord
from nearkin.vocabulary import MAIN_LEVELS, PROTOCOLS

TITLES = {
    "leave_one_out": (
        "Leave one out",
        "Every test image is searched for among the other test images, as in the reference study.",
    ),
    "train_gallery": (
        "Train gallery",
        "Every test image is searched for among the training images, as when somebody searches a collection.",
    ),
    "unseen_species": (
        "Unseen species",
        "Leave one out among species that training never saw and no other protocol searches.",
    ),
}


METRIC_TITLES = {"precision": "Precision", "r_precision": "R-precision", "map_at_r": "MAP@R", "mrr": "MRR"}


def make_headline_tables(
    records: Sequence[MetricRecord], others: Sequence[MetricRecord], *, models: Sequence[str]
) -> list[dict[str, object]]:
    """One dict per protocol: title, text and columns, from `list_recall_records` and `list_other_records`.

    A column says level, k, average, query_subset and n; its cells are records by model. `others` are
    the columns of the species' other scores: `score`, n and cells.
    """
    present = {record["protocol"] for record in records}
    return [
        _make_recall_table(records, protocol, models)
        | {"others": _make_other_table(others, protocol, models)}
        for protocol in PROTOCOLS
        if protocol in present
    ]


def lead_numbers(records: Sequence[MetricRecord], *, models: Sequence[str]) -> list[MetricRecord]:
    """The species recalls that the page opens with: one per model, of the first protocol present."""
    present = [protocol for protocol in PROTOCOLS if any(row["protocol"] == protocol for row in records)]
    if not present:
        return []
    keys = {"level": "species", "k": 1, "average": "micro", "query_subset": "all"}
    cells = _find_cells(records, present[0], models, keys)
    return [record for record in cells.values() if record and record["value"] is not None]


def _make_recall_table(
    records: Sequence[MetricRecord], protocol: str, models: Sequence[str]
) -> dict[str, object]:
    title, text = TITLES[protocol]
    columns, present = [], []
    for keys in _iter_columns(sorted({record["k"] for record in records})):
        cells = _find_cells(records, protocol, models, keys)
        present_cells = [record for record in cells.values() if record]
        if present_cells:
            columns.append({**keys, "n": _format_n(present_cells), "cells": cells})
            present += present_cells
    species = [record for record in present if record["level"] == "species"]
    return {
        "protocol": protocol,
        "title": title,
        "text": text,
        "columns": columns,
        "n_unreachable": max((record["n_unreachable"] for record in species), default=0),
        "same_group_excluded": any(record["same_group_excluded"] for record in present),
    }


def _make_other_table(
    records: Sequence[MetricRecord], protocol: str, models: Sequence[str]
) -> list[dict[str, object]]:
    """Columns of precision at the larger ks (at 1 it is recall), and of the scores without a k."""
    shown = [row for row in records if row["metric"] != "precision" or row["k"] > 1]
    columns = []
    for metric, k in dict.fromkeys((row["metric"], row["k"]) for row in shown):
        keys = {"level": "species", "metric": metric, "k": k, "average": "micro", "query_subset": "all"}
        cells = _find_cells(shown, protocol, models, keys)
        present = [record for record in cells.values() if record]
        if present:
            at = f"@{k}" if metric in ("precision", "mrr") else ""
            columns.append({"score": METRIC_TITLES[metric] + at, "n": _format_n(present), "cells": cells})
    return columns


def _iter_columns(ks: Iterable[int]) -> Iterator[dict[str, str | int]]:
    """What the records of each column have in common."""
    micro = {"average": "micro", "query_subset": "all"}
    yield from ({"level": level, "k": 1, **micro} for level in MAIN_LEVELS)
    yield {"level": "species", "k": 1, "average": "macro", "query_subset": "all"}
    yield {"level": "species", "k": 1, "average": "micro", "query_subset": "reachable"}
    yield from ({"level": "species", "k": k, **micro} for k in ks if k != 1)


def _find_cells(
    records: Sequence[MetricRecord], protocol: str, models: Sequence[str], keys: Mapping[str, str | int]
) -> dict[str, MetricRecord | None]:
    """By model, the first record with these keys, None where there is none."""
    cells = {}
    for model in models:
        items = {**keys, "protocol": protocol, "model": model}.items()
        cells[model] = next((row for row in records if items <= row.items()), None)
    return cells


def _format_n(records: Sequence[MetricRecord]) -> str:
    counts = [record["n_queries"] for record in records]
    return format_count_range(min(counts), max(counts))
