"""Exact search against loops over Python numbers, whatever the blocks, threads and precision."""

from functools import cache
from itertools import pairwise

import faiss
import numpy as np
import polars as pl
import pytest
import torch

from nearkin.search import brute_force, candidates, error_bounds, exact_knn, search
from nearkin.search.similarity import compute_similarities
from nearkin.vocabulary import PROTOCOL_SPLITS
from tests.factories import random_study


def sum_pairwise(numbers):
    """The sum as the search defines it: it adds the upper half to the lower half until one number remains."""
    while len(numbers) > 1:
        half = (len(numbers) + 1) // 2
        upper = numbers[half:] + [None] * (2 * half - len(numbers))
        numbers = [a if b is None else a + b for a, b in zip(numbers[:half], upper, strict=True)]
    return numbers[0]


def slow_knn(queries, query_codes, gallery, gallery_codes):
    """Every product of Python's own numbers; sorted by similarity, then by index."""
    rows = []
    for query, query_code in zip(queries.tolist(), query_codes, strict=True):
        scored = [
            (-sum_pairwise([a * b for a, b in zip(query, other, strict=True)]), row)
            for row, other in enumerate(gallery.tolist())
            if gallery_codes[row] != query_code
        ]
        rows.append([(row, -similarity) for similarity, row in sorted(scored)])
    return rows


def list_neighbours(chunks):
    rows = []
    for start, indices, similar in chunks:
        assert start == len(rows)
        for pairs in zip(indices.tolist(), similar.tolist(), strict=True):
            rows.append([(i, s) for i, s in zip(*pairs, strict=True) if i >= 0])
            assert all(i == -1 for i in pairs[0][len(rows[-1]) :])
    return rows


N = 60
CASES = {
    "random": random_study.vectors(1, N, n_copies=5),
    "wide": random_study.vectors(7, N, width=67),
    "tied": random_study.vectors(2, N, width=4, levels=2),
    "copies": random_study.vectors(3, N, n_copies=55),
    "all_equal": np.tile(random_study.vectors(4, 1, n_copies=0), (N, 1)),
    "nearly_equal": random_study.vectors(4, 1, n_copies=0) + np.float32(1e-7) * random_study.vectors(5, N),
    "opposite": np.concatenate([random_study.vectors(6, 30), -random_study.vectors(6, 30)]),
    "tiny": np.float32(1e-20) * random_study.vectors(8, N),
    "one_coordinate": np.sign(random_study.vectors(9, N, width=1)),
}
CODES = {
    "itself": np.arange(N),
    "groups": np.random.default_rng(6).integers(0, 25, N),
    "nobody_else": np.zeros(N, dtype=np.int64),
}


@cache
def compute_expected(case, codes):
    return slow_knn(CASES[case], CODES[codes], CASES[case], CODES[codes])


@pytest.fixture(params=["bfloat16", "float32"])
def precision(request, monkeypatch):
    """Each precision of the fast product, also where the processor would choose the other."""
    monkeypatch.setattr(exact_knn, "fast_precision", lambda device: getattr(torch, request.param))


@pytest.mark.parametrize("block", [8, 1024])
@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("case", CASES)
def test_nearest_equals_brute_force(monkeypatch, precision, case, codes, block):
    monkeypatch.setitem(exact_knn.BLOCK_ROWS, "cpu", block)
    monkeypatch.setattr(candidates, "MAX_PER_QUERY", 5)  # so that some queries overflow
    vectors, group_codes, rows = CASES[case], CODES[codes], compute_expected(case, codes)
    subset = slice(20, 41)
    for depth in (1, 7, 200):
        expected_rows = [row[:depth] for row in rows]
        assert list_neighbours(exact_knn.self_knn(vectors, group_codes, depth=depth)) == expected_rows
        chunks = exact_knn.knn(vectors[subset], group_codes[subset], vectors, group_codes, depth=depth)
        assert list_neighbours(chunks) == expected_rows[subset]


@pytest.mark.parametrize("block", [1, 7])
@pytest.mark.parametrize("case", ["random", "tied", "copies", "nearly_equal"])
def test_tiny_blocks_change_nothing(monkeypatch, precision, case, block):
    monkeypatch.setitem(exact_knn.BLOCK_ROWS, "cpu", block)
    for module in (error_bounds, candidates):
        monkeypatch.setattr(module, "GROUP", 1)
    expected_rows = [row[:7] for row in compute_expected(case, "groups")]
    assert list_neighbours(exact_knn.self_knn(CASES[case], CODES["groups"], depth=7)) == expected_rows


def make_clustered_vectors(n, width=96, spread=0.3):
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(n // 20, width))
    vectors = centres[rng.integers(0, len(centres), n)] + spread * rng.normal(size=(n, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("spread", [0.001, 0.3, 3.0])
def test_thousands_in_blocks_agree_with_faiss_and_with_float64(precision, spread):
    vectors = make_clustered_vectors(2500, spread=spread)
    chunks = list(exact_knn.self_knn(vectors, np.arange(2500), depth=10))
    assert [start for start, *_ in chunks] == [0, 1024, 2048]
    indices, similarities = (np.concatenate(column) for column in list(zip(*chunks, strict=True))[1:])
    products = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(products, -np.inf)
    expected_indices = np.argsort(-products, axis=1, kind="stable")[:, :10]
    assert np.allclose(
        np.take_along_axis(products, expected_indices, axis=1), similarities, rtol=0, atol=1e-14
    )
    assert (indices == expected_indices).mean() > 0.9999  # the product's sums have another order
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss_similarities, _ = index.search(vectors, 11)
    assert np.allclose(faiss_similarities[:, 1:], similarities, atol=1e-5)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_strategy_and_chunks_change_no_bit(monkeypatch, n_threads):
    vectors, codes = make_clustered_vectors(2400), np.arange(2400) // 3
    has_room_by_strategy = {"once_a_pair": True, "one_by_one": False}
    n_threads_before, rows_by_strategy = torch.get_num_threads(), {}
    torch.set_num_threads(n_threads)
    try:
        for name, has_room in has_room_by_strategy.items():
            monkeypatch.setattr(exact_knn, "_has_room", lambda n, depth, has_room=has_room: has_room)
            rows_by_strategy[name] = list_neighbours(exact_knn.self_knn(vectors, codes, depth=5))
        for n_chunks in (1, 3, 7):
            edges = np.linspace(0, 2400, n_chunks + 1).astype(int)
            chunks = [slice(*pair) for pair in pairwise(edges)]
            rows_by_strategy[n_chunks] = [
                row
                for chunk in chunks
                for row in list_neighbours(
                    exact_knn.knn(vectors[chunk], codes[chunk], vectors, codes, depth=5)
                )
            ]
    finally:
        torch.set_num_threads(n_threads_before)
    assert all(rows == rows_by_strategy["once_a_pair"] for rows in rows_by_strategy.values())


def test_thousands_of_copies_are_scored_once(monkeypatch):
    vectors = np.concatenate(
        [np.tile(make_clustered_vectors(20)[:1], (1500, 1)), make_clustered_vectors(500)]
    )
    n_scored = []

    def count_pairs(queries, gallery, query_rows, gallery_rows):
        n_scored.append(len(query_rows))
        return compute_similarities(queries, gallery, query_rows, gallery_rows)

    monkeypatch.setattr(brute_force, "compute_similarities", count_pairs)
    rows = list_neighbours(exact_knn.self_knn(vectors, np.arange(2000), depth=10))
    assert [i for i, _ in rows[0]] == list(range(1, 11))
    assert [i for i, _ in rows[1499]] == list(range(10))
    assert sum(n_scored) < 100 * 2000


def test_half_precision_is_searched_as_stored():
    vectors = make_clustered_vectors(300).astype(np.float16)
    codes = np.arange(300)
    rows = list_neighbours(exact_knn.self_knn(vectors, codes, depth=5))
    assert rows == list_neighbours(exact_knn.self_knn(vectors.astype(np.float32), codes, depth=5))


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_a_vector_without_direction_is_an_error(value):
    vectors = make_clustered_vectors(300)
    vectors[7] = value
    with pytest.raises(ValueError, match="vector 7 is zero or not finite"):
        list(exact_knn.self_knn(vectors, np.arange(300), depth=5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_finds_the_same_to_the_last_bit(monkeypatch):
    vectors, codes = make_clustered_vectors(3000), np.arange(3000)
    rows = list_neighbours(exact_knn.self_knn(vectors, codes, depth=10))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert rows == list_neighbours(exact_knn.self_knn(vectors, codes, depth=10))


@pytest.mark.parametrize("exclude_same_group", [True, False])
def test_a_query_finds_neither_itself_nor_its_excluded_group(exclude_same_group):
    labels, splits = random_study.study(1)
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(1, len(labels)))
    neighbours = search.search_protocol(
        splits, vectors_of, protocol="leave_one_out", depth=100, exclude_same_group=exclude_same_group
    )
    group = dict(splits.select("uuid", "group_id").iter_rows())
    is_same_group = [group[a] == group[b] for a, b in neighbours.select("query", "neighbour").iter_rows()]
    assert any(is_same_group) is not exclude_same_group
    assert (neighbours["query"] != neighbours["neighbour"]).all()


def test_train_gallery_queries_test_and_finds_train():
    labels, splits = random_study.study(2)
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(1, len(labels)))
    neighbours = search.search_protocol(
        splits, vectors_of, protocol="train_gallery", depth=3, exclude_same_group=True
    )
    split_of = dict(splits.select("uuid", "split").iter_rows())
    assert {split_of[uuid] for uuid in neighbours["query"]} == {"test"}
    assert {split_of[uuid] for uuid in neighbours["neighbour"]} == {"train"}
    assert neighbours.group_by("query").len()["len"].unique().to_list() == [3]


@pytest.mark.parametrize("protocol", PROTOCOL_SPLITS)
@pytest.mark.parametrize("n_chunks", [3, 7, 200])
def test_chunks_of_queries_join_to_the_whole_search(protocol, n_chunks):
    labels, splits = random_study.study(3)
    settings = {"protocol": protocol, "depth": 5, "exclude_same_group": True}
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(1, len(labels)))
    chunks = [
        search.search_protocol(splits, vectors_of, chunk=chunk, n_chunks=n_chunks, **settings)
        for chunk in range(n_chunks)
    ]
    assert pl.concat(chunks).equals(search.search_protocol(splits, vectors_of, **settings))
