"""Counts by category and split, and recall beside training images."""

import polars as pl

from nearkin.html.dataset import sizes
from nearkin.splits import statistics
from tests.unit import drawn

LABELS = drawn.labels_of(["Aa x", "Aa x", "Aa x", "Aa y", "Bb z"])
SPLITS = pl.DataFrame(
    {
        "uuid": LABELS["uuid"],
        "split": ["train", "train", "test", "train", "test"],
        "group_id": ["g", "g", "h", "i", "j"],
        "reason": [None] * 5,
    }
)


def test_counts_by_hand():
    table = statistics.describe(LABELS, SPLITS)
    rows = {(row["category"], row["split"]): row for row in table.iter_rows(named=True)}
    names = ["n_images", "n_groups", "n_species", "n_genera", "median_images"]
    assert [rows["Fish", "train"][name] for name in names] == [3, 2, 2, 1, 1.5]
    assert [rows["all", "all"][name] for name in names] == [5, 4, 3, 2, 1.0]
    assert [rows["Fish", "val"][name] for name in names] == [0, 0, 0, 0, None]


def test_what_is_in_no_split_has_a_row_only_where_there_is_any():
    assert "aside" not in set(statistics.describe(LABELS, SPLITS)["split"])
    table = statistics.describe(LABELS, SPLITS.with_columns(split=pl.lit("aside")))
    assert table.filter(category="all", split="aside")["n_images"].to_list() == [5]
    assert table.filter(category="all", split="all")["n_images"].to_list() == [5]
    assert [row["split"] for row in sizes(table)][-2:] == ["aside", "all"]


def test_buckets_have_no_gap_and_no_overlap():
    numbers = pl.DataFrame({"n": [0, 1, 5, 6, 10, 11, 20, 21, 50, 51, 1000]})
    buckets = numbers.select(statistics.bucket_of(pl.col("n"))).to_series().to_list()
    assert buckets == ["0", "1-5", "1-5", "6-10", "6-10", "11-20", "11-20", "21-50", "21-50", "50+", "50+"]


def test_recall_beside_training_images():
    recall = pl.DataFrame(
        {
            "protocol": "leave_one_out",
            "level": "species",
            "metric": "recall",
            "average": "label",
            "population": "all",
            "category": "Fish",
            "label": ["Aa x", "Bb z"],
            "k": 1,
            "value": [1.0, 0.0],
            "n_queries": [1, 1],
        }
    )
    table = statistics.training_size(recall, LABELS, SPLITS)
    assert table.select("species", "genus", "n_train", "bucket", "recall").rows() == [
        ("Aa x", "Aa", 2, "1-5", 1.0),
        ("Bb z", "Bb", 0, "0", 0.0),
    ]
