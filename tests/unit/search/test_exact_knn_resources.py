"""Memory and threads of the exact search, and its last line in the log."""

import gc
import weakref

import numpy as np
import pytest
import torch

from nearkin.search import candidates, exact_knn
from nearkin.search.candidates import Candidates
from nearkin.search.topk import top_k
from tests.factories import random_study

VECTORS = random_study.vectors(1, 40, n_copies=0)
CODES = np.arange(40)


def search(vectors=VECTORS):
    return list(exact_knn.self_knn(vectors, CODES, depth=3))


def test_candidates_may_use_less_than_a_quarter_of_free_memory(monkeypatch):
    n_bytes = 1000 * (4 * 100 + 64) * 12
    monkeypatch.setattr(exact_knn, "available_memory", lambda: 4 * n_bytes)
    assert not exact_knn._has_room(1000, 100)
    monkeypatch.setattr(exact_knn, "available_memory", lambda: 4 * n_bytes + 1)
    assert exact_knn._has_room(1000, 100)


@pytest.mark.parametrize(("has_room", "unused"), [(True, "_collect_by_block"), (False, "_collect_by_pair")])
def test_all_candidates_are_held_only_if_memory_allows(monkeypatch, has_room, unused):
    monkeypatch.setattr(exact_knn, "_has_room", lambda n, depth: has_room)
    monkeypatch.setattr(exact_knn, unused, None)
    assert len(search()) == 1


def test_the_candidates_of_a_finished_block_are_freed(monkeypatch):
    alive_collectors, n_alive = weakref.WeakSet(), []

    class Counted(Candidates):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            alive_collectors.add(self)

    monkeypatch.setattr(exact_knn, "Candidates", Counted)
    monkeypatch.setitem(exact_knn.BLOCK_ROWS, "cpu", 8)
    for _ in exact_knn.self_knn(np.tile(VECTORS, (4, 1)), np.arange(160), depth=3):
        gc.collect()
        n_alive.append(len(alive_collectors))
    assert len(n_alive) == 20 and n_alive[14] <= 20 - 14 + 3  # a few blocks are finished ahead


@pytest.mark.parametrize("n_threads", [1, 2])
def test_workers_use_one_thread_and_the_caller_keeps_its_setting(monkeypatch, n_threads):
    n_threads_in_workers, n_threads_before = set(), torch.get_num_threads()

    def record_threads(*args, **kwargs):
        n_threads_in_workers.add(torch.get_num_threads())
        return top_k(*args, **kwargs)

    monkeypatch.setattr(exact_knn, "top_k", record_threads)
    try:
        torch.set_num_threads(n_threads)
        search()
        assert n_threads_in_workers == {1} and torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(n_threads_before)


@pytest.mark.parametrize(
    ("vectors", "n_exhaustive"),
    [(VECTORS, 0), (np.repeat(VECTORS[:1], 40, axis=0), 40)],
    ids=["distinct", "equal"],
)
def test_the_log_counts_queries_and_exhaustive_searches(monkeypatch, caplog, vectors, n_exhaustive):
    caplog.set_level("INFO")
    monkeypatch.setattr(candidates, "MAX_PER_QUERY", 20)
    monkeypatch.setitem(exact_knn.BLOCK_ROWS, "cpu", 8)
    search(vectors)
    assert f"40 queries, {n_exhaustive} of them in float64" in caplog.text


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA GPU")
def test_the_log_says_that_there_is_no_gpu(caplog):
    caplog.set_level("INFO")
    search()
    assert "no CUDA GPU" in caplog.text
