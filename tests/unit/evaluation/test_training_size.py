"""Recall by the number of training images."""

import numpy as np
import polars as pl
import pytest

from nearkin.evaluation.training_size import bucket_expr, pearson_correlation, tabulate_training_size
from tests.unit.splits.test_statistics import LABELS, SPLITS


def test_buckets_have_no_gap_and_no_overlap():
    numbers = pl.DataFrame({"n": [0, 1, 5, 6, 10, 11, 20, 21, 50, 51, 1000]})
    buckets = numbers.select(bucket_expr(pl.col("n"))).to_series().to_list()
    assert buckets == ["0", "1-5", "1-5", "6-10", "6-10", "11-20", "11-20", "21-50", "21-50", "50+", "50+"]


def test_recall_by_training_images():
    recall = pl.DataFrame(
        {
            "protocol": "leave_one_out",
            "level": "species",
            "metric": "recall",
            "average": "per_label",
            "query_subset": "all",
            "category": "Fish",
            "label": ["Aa x", "Bb z"],
            "k": 1,
            "value": [1.0, 0.0],
            "n_queries": [1, 1],
        }
    )
    table = tabulate_training_size(recall, LABELS, SPLITS)
    assert table.select("species", "genus", "n_train", "bucket", "recall").rows() == [
        ("Aa x", "Aa", 2, "1-5", 1.0),
        ("Bb z", "Bb", 0, "0", 0.0),
    ]


def test_the_correlation_is_pearson_s_and_undefined_without_spread():
    assert pearson_correlation(np.array([0, 1, 2]), np.array([0.0, 0.5, 1.0])) == pytest.approx(1)
    assert pearson_correlation(np.array([0, 1, 2]), np.array([0.5, 0.5, 0.5])) is None
    assert pearson_correlation(np.array([0, 1]), np.array([0.5, 0.6])) is None
