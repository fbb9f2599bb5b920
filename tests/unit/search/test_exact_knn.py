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


def added_up(numbers):
    """The sum as the search defines it: the upper half onto the lower half, again and again."""
    while len(numbers) > 1:
        half = (len(numbers) + 1) // 2
        upper = numbers[half:] + [None] * (2 * half - len(numbers))
        numbers = [a if b is None else a + b for a, b in zip(numbers[:half], upper, strict=True)]
    return numbers[0]


def slow_knn(queries, query_codes, gallery, gallery_codes):
    """Every product of Python's own numbers; sorted by similarity, then by index."""
    rows = []
    for query, own in zip(queries.tolist(), query_codes, strict=True):
        scored = [
            (-added_up([a * b for a, b in zip(query, other, strict=True)]), g)
            for g, other in enumerate(gallery.tolist())
            if gallery_codes[g] != own
        ]
        rows.append([(g, -s) for s, g in sorted(scored)])
    return rows


def rows_of(found):
    rows = []
    for start, indices, similar in found:
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
def expected(case, codes):
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
    monkeypatch.setattr(candidates, "MAX_PER_QUERY", 5)  # so that queries are crowded out, too
    vectors, own, rows = CASES[case], CODES[codes], expected(case, codes)
    some = slice(20, 41)
    for depth in (1, 7, 200):
        right = [row[:depth] for row in rows]
        assert rows_of(exact_knn.self_knn(vectors, own, depth=depth)) == right
        found = exact_knn.knn(vectors[some], own[some], vectors, own, depth=depth)
        assert rows_of(found) == right[some]


@pytest.mark.parametrize("block", [1, 7])
@pytest.mark.parametrize("case", ["random", "tied", "copies", "nearly_equal"])
def test_tiny_blocks_change_nothing(monkeypatch, precision, case, block):
    monkeypatch.setitem(exact_knn.BLOCK_ROWS, "cpu", block)
    for module in (error_bounds, candidates):
        monkeypatch.setattr(module, "GROUP", 1)
    right = [row[:7] for row in expected(case, "groups")]
    assert rows_of(exact_knn.self_knn(CASES[case], CODES["groups"], depth=7)) == right


def clustered(n, width=96, spread=0.3):
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(n // 20, width))
    vectors = centres[rng.integers(0, len(centres), n)] + spread * rng.normal(size=(n, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("spread", [0.001, 0.3, 3.0])
def test_thousands_in_blocks_agree_with_faiss_and_with_float64(precision, spread):
    vectors = clustered(2500, spread=spread)
    found = list(exact_knn.self_knn(vectors, np.arange(2500), depth=10))
    assert [start for start, *_ in found] == [0, 1024, 2048]
    indices, similarities = (np.concatenate(column) for column in list(zip(*found, strict=True))[1:])
    products = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(products, -np.inf)
    right = np.argsort(-products, axis=1, kind="stable")[:, :10]
    assert np.allclose(np.take_along_axis(products, right, axis=1), similarities, rtol=0, atol=1e-14)
    assert (indices == right).mean() > 0.9999  # the product's sums have another order
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    theirs, _ = index.search(vectors, 11)
    assert np.allclose(theirs[:, 1:], similarities, atol=1e-5)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_way_there_changes_no_bit(monkeypatch, n_threads):
    vectors, codes = clustered(2400), np.arange(2400) // 3
    ways = {"once_a_pair": True, "one_by_one": False}
    before, found = torch.get_num_threads(), {}
    torch.set_num_threads(n_threads)
    try:
        for name, room in ways.items():
            monkeypatch.setattr(exact_knn, "_has_room", lambda n, depth, room=room: room)
            found[name] = rows_of(exact_knn.self_knn(vectors, codes, depth=5))
        for n_chunks in (1, 3, 7):
            edges = np.linspace(0, 2400, n_chunks + 1).astype(int)
            chunks = [slice(*pair) for pair in pairwise(edges)]
            found[n_chunks] = [
                row
                for part in chunks
                for row in rows_of(exact_knn.knn(vectors[part], codes[part], vectors, codes, depth=5))
            ]
    finally:
        torch.set_num_threads(before)
    assert all(rows == found["once_a_pair"] for rows in found.values())


def test_thousands_of_copies_are_scored_once(monkeypatch):
    vectors = np.concatenate([np.tile(clustered(20)[:1], (1500, 1)), clustered(500)])
    n_scored = []

    def counted(queries, gallery, asking, asked):
        n_scored.append(len(asking))
        return compute_similarities(queries, gallery, asking, asked)

    monkeypatch.setattr(brute_force, "compute_similarities", counted)
    rows = rows_of(exact_knn.self_knn(vectors, np.arange(2000), depth=10))
    assert [i for i, _ in rows[0]] == list(range(1, 11))
    assert [i for i, _ in rows[1499]] == list(range(10))
    assert sum(n_scored) < 100 * 2000


def test_half_precision_is_searched_as_stored():
    vectors = clustered(300).astype(np.float16)
    codes = np.arange(300)
    found = rows_of(exact_knn.self_knn(vectors, codes, depth=5))
    assert found == rows_of(exact_knn.self_knn(vectors.astype(np.float32), codes, depth=5))


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_a_vector_without_direction_is_an_error(value):
    vectors = clustered(300)
    vectors[7] = value
    with pytest.raises(ValueError, match="vector 7 is zero or not finite"):
        list(exact_knn.self_knn(vectors, np.arange(300), depth=5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_finds_the_same_to_the_last_bit(monkeypatch):
    vectors, codes = clustered(3000), np.arange(3000)
    found = rows_of(exact_knn.self_knn(vectors, codes, depth=10))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert found == rows_of(exact_knn.self_knn(vectors, codes, depth=10))


@pytest.mark.parametrize("exclude_same_group", [True, False])
def test_a_query_finds_neither_itself_nor_its_masked_mates(exclude_same_group):
    labels, splits = random_study.study(1)
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(1, len(labels)))
    found = search.search_protocol(
        splits, vectors_of, protocol="leave_one_out", depth=100, exclude_same_group=exclude_same_group
    )
    group = dict(splits.select("uuid", "group_id").iter_rows())
    mates = [group[a] == group[b] for a, b in found.select("query", "neighbour").iter_rows()]
    assert any(mates) is not exclude_same_group
    assert (found["query"] != found["neighbour"]).all()


def test_search_queries_test_and_finds_train():
    labels, splits = random_study.study(2)
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(1, len(labels)))
    found = search.search_protocol(
        splits, vectors_of, protocol="train_gallery", depth=3, exclude_same_group=True
    )
    side = dict(splits.select("uuid", "split").iter_rows())
    assert {side[uuid] for uuid in found["query"]} == {"test"}
    assert {side[uuid] for uuid in found["neighbour"]} == {"train"}
    assert found.group_by("query").len()["len"].unique().to_list() == [3]


@pytest.mark.parametrize("protocol", PROTOCOL_SPLITS)
@pytest.mark.parametrize("n_chunks", [3, 7, 200])
def test_chunks_of_queries_are_the_whole_in_parts(protocol, n_chunks):
    labels, splits = random_study.study(3)
    told = {"protocol": protocol, "depth": 5, "exclude_same_group": True}
    vectors_of = random_study.vectors_of(labels["uuid"], random_study.vectors(1, len(labels)))
    parts = [
        search.search_protocol(splits, vectors_of, chunk=chunk, n_chunks=n_chunks, **told)
        for chunk in range(n_chunks)
    ]
    assert pl.concat(parts).equals(search.search_protocol(splits, vectors_of, **told))
