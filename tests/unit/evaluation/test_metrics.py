"""Scores of queries: the example of docs/metrics.md, and loops over random ranks."""

import numpy as np
import pytest

from nearkin.evaluation import metrics


def compute_scores(relevant, n_relevant, ks):
    values_by_name = metrics.query_metrics(np.array([relevant], dtype=bool), np.array([n_relevant]), ks=ks)
    return {name: values[0].tolist() for name, values in values_by_name.items()}


def test_the_example_of_the_docs():
    assert compute_scores([0, 1, 0, 1, 0], 2, [1, 3]) == {
        "first_relevant_rank": 2,
        "n_relevant_at_k": [0, 1],
        "r_precision": 1 / 2,
        "average_precision": 1 / 4,
    }
    assert compute_scores([1, 1, 0, 1, 0], 3, [1, 3]) == {
        "first_relevant_rank": 1,
        "n_relevant_at_k": [1, 2],
        "r_precision": pytest.approx(2 / 3),
        "average_precision": pytest.approx(2 / 3),
    }


def test_without_relevant_neighbours_all_scores_are_zero():
    for n_relevant in (0, 3):
        assert compute_scores([0, 0, 0, 0], n_relevant, [1, 4]) == {
            "first_relevant_rank": 0,
            "n_relevant_at_k": [0, 0],
            "r_precision": 0.0,
            "average_precision": 0.0,
        }


def test_more_relevant_images_than_stored_ranks_is_undefined():
    values = compute_scores([1, 1, 1, 1], 5, [1, 4])
    assert (values["first_relevant_rank"], values["n_relevant_at_k"]) == (1, [1, 4])
    assert np.isnan([values["r_precision"], values["average_precision"]]).all()


def test_zero_stored_neighbours_give_zero_or_undefined():
    values = metrics.query_metrics(np.zeros((2, 0), dtype=bool), np.array([0, 1]), ks=[1, 5])
    assert (
        values["first_relevant_rank"].tolist() == [0, 0]
        and values["n_relevant_at_k"].tolist() == [[0, 0]] * 2
    )
    assert values["r_precision"][0] == 0 and np.isnan(values["r_precision"][1])


def test_k_beyond_the_stored_ranks_counts_all_of_them():
    assert compute_scores([1, 0, 1], 2, [2, 9])["n_relevant_at_k"] == [1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_plain_loops(seed):
    rng = np.random.default_rng(seed)
    relevant = rng.random((40, 12)) < rng.random((40, 1))
    n_relevant = np.maximum(relevant.sum(axis=1), rng.integers(0, 15, 40))
    values = metrics.query_metrics(relevant, n_relevant, ks=[1, 5, 12])
    for i, row in enumerate(relevant):
        ranks = [rank for rank, is_relevant in enumerate(row, start=1) if is_relevant]
        assert values["first_relevant_rank"][i] == (ranks[0] if ranks else 0)
        assert values["n_relevant_at_k"][i].tolist() == [sum(rank <= k for rank in ranks) for k in (1, 5, 12)]
        R = n_relevant[i]
        if R > 12:
            assert np.isnan(values["average_precision"][i])
        elif R:
            early = [rank for rank in ranks if rank <= R]
            assert values["r_precision"][i] == pytest.approx(len(early) / R)
            precisions = [sum(other <= rank for other in ranks) / rank for rank in early]
            assert values["average_precision"][i] == pytest.approx(sum(precisions) / R)


def test_with_one_relevant_image_r_precision_is_recall_at_1():
    relevant = np.array([[True, False], [False, True], [False, False]])
    values = metrics.query_metrics(relevant, np.array([1, 1, 1]), ks=[1])
    assert values["r_precision"].tolist() == [1.0, 0.0, 0.0]
    assert values["average_precision"].tolist() == [1.0, 0.0, 0.0]
