"""What the pages say of the dataset: how much there is, and what was repaired."""

import polars as pl

from nearkin.tables.categories import sort_categories
from nearkin.vocabulary import ALL, EXCLUDED, SPLITS


def split_sizes(statistics):
    """Rows of a `Statistics` table, categories in order and the whole last."""
    order = [*sort_categories(set(statistics["category"]) - {ALL}), ALL]
    sides = [*SPLITS, EXCLUDED, ALL]
    rows = statistics.to_dicts()
    return sorted(rows, key=lambda row: (order.index(row["category"]), sides.index(row["split"])))


def repair_counts(curation_log):
    """How often each defect met each outcome: (field, defect, action, n), frequent ones first."""
    counted = curation_log.group_by("field", "defect", "action").len("n")
    return counted.sort("n", "field", "defect", "action", descending=[True, False, False, False]).to_dicts()


def quarantine_counts(quarantine):
    """How many delivered rows were set aside for each reason: (reason, n)."""
    return quarantine.group_by("reason").len("n").sort("n", "reason", descending=[True, False]).to_dicts()


def nonrandom_counts(splits):
    """How many images went to a side for a reason other than the lot: (reason, n)."""
    return splits.filter(pl.col("reason").is_not_null()).group_by("reason").len("n").sort("reason").to_dicts()
