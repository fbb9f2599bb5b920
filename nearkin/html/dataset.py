"""The numbers on a dataset that the pages share: how much there is, and what was repaired."""

import polars as pl

from nearkin.tables.categories import sort_categories
from nearkin.vocabulary import ALL, EXCLUDED, SPLITS


def split_sizes(statistics: pl.DataFrame) -> list[dict[str, object]]:
    """The rows of a `Statistics` table, by category and split; the totals come last."""
    order = [*sort_categories(set(statistics["category"]) - {ALL}), ALL]
    splits = [*SPLITS, EXCLUDED, ALL]
    rows = statistics.to_dicts()
    rows.sort(key=lambda row: (order.index(row["category"]), splits.index(row["split"])))
    return rows


def repair_counts(curation_log: pl.DataFrame) -> list[dict[str, object]]:
    """How often each defect had each outcome: (field, defect, action, n), frequent ones first."""
    counted = curation_log.group_by("field", "defect", "action").len("n")
    return counted.sort("n", "field", "defect", "action", descending=[True, False, False, False]).to_dicts()


def quarantine_counts(quarantine: pl.DataFrame) -> list[dict[str, object]]:
    """How many delivered rows were quarantined for each reason: (reason, n), frequent ones first."""
    return quarantine.group_by("reason").len("n").sort("n", "reason", descending=[True, False]).to_dicts()


def nonrandom_counts(splits: pl.DataFrame) -> list[dict[str, object]]:
    """How many images were not assigned to their split at random, for each reason: (reason, n)."""
    return splits.filter(pl.col("reason").is_not_null()).group_by("reason").len("n").sort("reason").to_dicts()
