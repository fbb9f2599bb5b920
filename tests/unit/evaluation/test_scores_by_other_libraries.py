"""Scores against pytorch-metric-learning and trec_eval, where the definitions agree.

Random neighbours with singletons, missing ranks, and labels with more images than are stored.
"""

import ir_measures
import numpy as np
import pytest
import torch
from ir_measures import P, Rprec
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

from nearkin.evaluation import metrics

DEPTH = 12


def search_random_study(seed, depth, n=60, n_labels=9):
    """Labels, vectors, and the nearest others of each: (n,), (n, 3), (n, depth)."""
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.geometric(0.25, n) - 1, n_labels - 1)
    vectors = torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(n, 3)) + labels[:, None] % 3))
    similarity = vectors @ vectors.T
    similarity.fill_diagonal_(-torch.inf)
    return labels, vectors, similarity.topk(depth).indices.numpy()


@pytest.mark.parametrize("seed", range(4))
def test_scores_equal_pytorch_metric_learning(seed):
    labels, vectors, nearest = search_random_study(seed, depth=59)
    n_relevant = np.bincount(labels)[labels] - 1
    scores = metrics.query_metrics(labels[nearest] == labels[:, None], n_relevant, ks=[1])
    names = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    calculator = AccuracyCalculator(include=names, k=None, device=torch.device("cpu"))
    library_scores = calculator.get_accuracy(vectors.float(), torch.from_numpy(labels))
    reachable = n_relevant > 0  # the library ignores the other queries
    ours = (scores["n_relevant_at_k"][:, 0], scores["r_precision"], scores["average_precision"])
    for name, values in zip(names, ours, strict=True):
        assert library_scores[name] == pytest.approx(values[reachable].mean(), abs=1e-6), name


@pytest.mark.parametrize("seed", range(4))
def test_scores_equal_trec_eval(seed):
    labels, _, nearest = search_random_study(seed, DEPTH)
    rng = np.random.default_rng(seed)
    n_stored = rng.integers(1, DEPTH + 1, len(labels))  # stored neighbours per query
    is_stored = np.arange(DEPTH) < n_stored[:, None]
    n_relevant = np.bincount(labels)[labels] - 1
    scores = metrics.query_metrics((labels[nearest] == labels[:, None]) & is_stored, n_relevant, ks=[1, 5])
    truth = [
        ir_measures.Qrel(f"q{i}", f"d{j}", 1)
        for i in range(len(labels))
        for j in np.flatnonzero(labels == labels[i])
        if i != j
    ]
    run = [
        ir_measures.ScoredDoc(f"q{i}", f"d{j}", -float(rank))
        for i in range(len(labels))
        for rank, j in enumerate(nearest[i, : n_stored[i]])
    ]
    measures = [P @ 1, P @ 5, Rprec, ir_measures.RR, ir_measures.Success @ 5]
    library_scores = {
        (row.query_id, row.measure): row.value for row in ir_measures.iter_calc(measures, truth, run)
    }
    n_checked = 0
    for i in np.flatnonzero((n_relevant > 0) & (n_relevant <= DEPTH)):
        first = scores["first_relevant_rank"][i]
        ours = {
            P @ 1: scores["n_relevant_at_k"][i, 0],
            P @ 5: scores["n_relevant_at_k"][i, 1] / 5,
            Rprec: scores["r_precision"][i],
            ir_measures.RR: 1 / first if first else 0,
            ir_measures.Success @ 5: 0 < first <= 5,
        }
        for measure, value in ours.items():
            assert library_scores[f"q{i}", measure] == pytest.approx(float(value)), (i, measure)
            n_checked += 1
    assert n_checked > 50
