"""The headline: each number with its k, n, level, protocol and average."""

import pytest

from nearkin.report import headline_numbers
from tests.factories import results


@pytest.fixture(scope="module")
def recalls():
    return results.study(20, bootstrap_samples=20)["recalls"]


def test_records_hold_every_overall_recall_once(recalls):
    records = headline_numbers.list_recall_records(recalls, ks=[1, 5])
    keys = [
        tuple(row[name] for name in ("model", "protocol", "level", "average", "query_subset", "k"))
        for row in records
    ]
    assert len(keys) == len(set(keys)) == 3 * 3 * 3 * 2 * 2 * 2
    assert list(dict.fromkeys(row["model"] for row in records)) == results.MODELS
    assert {row["level"] for row in records} == {"category", "genus", "species"}


def test_only_the_requested_ks_are_listed(recalls):
    assert {row["k"] for row in headline_numbers.list_recall_records(recalls, ks=[5])} == {5}


def test_the_other_scores_equal_the_table(recalls):
    records = headline_numbers.list_other_records(recalls, ks=[1, 5])
    assert {(row["metric"], row["k"]) for row in records} >= {("precision", 1), ("precision", 5)}
    assert {row["metric"] for row in records} == {"precision", "r_precision", "map_at_r", "mrr"}
    precision_at_1 = [row["value"] for row in records if (row["metric"], row["k"]) == ("precision", 1)]
    assert precision_at_1 == [row["value"] for row in headline_numbers.list_recall_records(recalls, ks=[1])]


def test_the_text_has_four_decimals_both_averages_and_n(recalls):
    records = headline_numbers.list_recall_records({"lite0": recalls["lite0"]}, ks=[1])
    for row in records:
        row |= {"value": 0.65079 if row["average"] == "micro" else 0.5, "n_queries": 123, "n_labels": 7}
    lines = headline_numbers.format_headline(records).splitlines()
    assert lines[:3] == [
        "lite0",
        "Protocol leave_one_out, all queries, images of the query's group left out of the gallery",
        "Overall Category Recall@1: 0.6508 micro, 0.5000 macro (n = 123 queries, 7 labels)",
    ]
    assert "Overall Species Recall@1: 0.6508 micro, 0.5000 macro (n = 123 queries, 7 labels)" in lines
    assert sum(line.startswith("Protocol") for line in lines) == 3


def test_a_headline_without_queries_has_no_number(recalls):
    records = headline_numbers.list_recall_records({"lite0": recalls["lite0"]}, ks=[1])
    for row in records:
        row |= {"value": None, "n_queries": 0, "n_labels": 0}
    assert (
        "Overall Species Recall@1: no queries (n = 0 queries, 0 labels)"
        in headline_numbers.format_headline(records)
    )
