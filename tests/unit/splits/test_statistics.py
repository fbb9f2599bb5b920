"""Counts by category and split."""

import polars as pl

from nearkin.html.dataset import split_sizes
from nearkin.splits import statistics
from tests.factories import random_study

LABELS = random_study.labels_of(["Aa x", "Aa x", "Aa x", "Aa y", "Bb z"])
SPLITS = pl.DataFrame(
    {
        "uuid": LABELS["uuid"],
        "split": ["train", "train", "test", "train", "test"],
        "group_id": ["g", "g", "h", "i", "j"],
        "reason": [None] * 5,
    }
)


def test_counts_equal_those_by_hand():
    table = statistics.describe_dataset(LABELS, SPLITS)
    rows = {(row["category"], row["split"]): row for row in table.iter_rows(named=True)}
    names = ["n_images", "n_groups", "n_species", "n_genera", "median_images"]
    assert [rows["Fish", "train"][name] for name in names] == [3, 2, 2, 1, 1.5]
    assert [rows["all", "all"][name] for name in names] == [5, 4, 3, 2, 1.0]
    assert [rows["Fish", "val"][name] for name in names] == [0, 0, 0, 0, None]


def test_excluded_has_a_row_only_if_images_are_excluded():
    assert "excluded" not in set(statistics.describe_dataset(LABELS, SPLITS)["split"])
    table = statistics.describe_dataset(LABELS, SPLITS.with_columns(split=pl.lit("excluded")))
    assert table.filter(category="all", split="excluded")["n_images"].to_list() == [5]
    assert table.filter(category="all", split="all")["n_images"].to_list() == [5]
    assert [row["split"] for row in split_sizes(table)][-2:] == ["excluded", "all"]
