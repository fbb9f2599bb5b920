"""Scores of queries: the example of docs/metrics.md, and loops over random ranks."""

import numpy as np
import pytest

from nearkin.evaluation import metrics


def scores(right, n_relevant, ks):
    found = metrics.query_metrics(np.array([right], dtype=bool), np.array([n_relevant]), ks=ks)
    return {name: values[0].tolist() for name, values in found.items()}


def test_the_example_of_the_docs():
    assert scores([0, 1, 0, 1, 0], 2, [1, 3]) == {
        "first_relevant_rank": 2,
        "n_relevant_at_k": [0, 1],
        "r_precision": 1 / 2,
        "average_precision": 1 / 4,
    }
    assert scores([1, 1, 0, 1, 0], 3, [1, 3]) == {
        "first_relevant_rank": 1,
        "n_relevant_at_k": [1, 2],
        "r_precision": pytest.approx(2 / 3),
        "average_precision": pytest.approx(2 / 3),
    }


def test_nobody_right_and_nobody_to_find():
    for n_relevant in (0, 3):
        assert scores([0, 0, 0, 0], n_relevant, [1, 4]) == {
            "first_relevant_rank": 0,
            "n_relevant_at_k": [0, 0],
            "r_precision": 0.0,
            "average_precision": 0.0,
        }


def test_more_to_find_than_is_stored_is_undefined_not_wrong():
    found = scores([1, 1, 1, 1], 5, [1, 4])
    assert (found["first_relevant_rank"], found["n_relevant_at_k"]) == (1, [1, 4])
    assert np.isnan([found["r_precision"], found["average_precision"]]).all()


def test_no_neighbour_is_stored_at_all():
    found = metrics.query_metrics(np.zeros((2, 0), dtype=bool), np.array([0, 1]), ks=[1, 5])
    assert (
        found["first_relevant_rank"].tolist() == [0, 0] and found["n_relevant_at_k"].tolist() == [[0, 0]] * 2
    )
    assert found["r_precision"][0] == 0 and np.isnan(found["r_precision"][1])


def test_k_beyond_what_is_stored_counts_what_is_there():
    assert scores([1, 0, 1], 2, [2, 9])["n_relevant_at_k"] == [1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_as_loops_say(seed):
    rng = np.random.default_rng(seed)
    right = rng.random((40, 12)) < rng.random((40, 1))
    n_relevant = np.maximum(right.sum(axis=1), rng.integers(0, 15, 40))
    found = metrics.query_metrics(right, n_relevant, ks=[1, 5, 12])
    for i, row in enumerate(right):
        ranks = [rank for rank, good in enumerate(row, start=1) if good]
        assert found["first_relevant_rank"][i] == (ranks[0] if ranks else 0)
        assert found["n_relevant_at_k"][i].tolist() == [sum(rank <= k for rank in ranks) for k in (1, 5, 12)]
        R = n_relevant[i]
        if R > 12:
            assert np.isnan(found["average_precision"][i])
        elif R:
            early = [rank for rank in ranks if rank <= R]
            assert found["r_precision"][i] == pytest.approx(len(early) / R)
            precisions = [sum(other <= rank for other in ranks) / rank for rank in early]
            assert found["average_precision"][i] == pytest.approx(sum(precisions) / R)


def test_with_one_relevant_image_r_precision_is_whether_it_is_nearest():
    right = np.array([[True, False], [False, True], [False, False]])
    scores = metrics.query_metrics(right, np.array([1, 1, 1]), ks=[1])
    assert scores["r_precision"].tolist() == [1.0, 0.0, 0.0]
    assert scores["average_precision"].tolist() == [1.0, 0.0, 0.0]
