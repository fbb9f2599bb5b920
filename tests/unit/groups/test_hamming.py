"""Pairs of close hashes are exactly those of a brute-force comparison."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.groups import hamming


def make_close_hashes(seed, n):
    """Hashes near a few centres, so that many are close and some are the same."""
    random = np.random.default_rng(seed)
    values = random.integers(2**64, size=4, dtype=np.uint64)[random.integers(4, size=n)]
    for _ in range(5):
        bit = np.left_shift(np.uint64(1), random.integers(64, size=n, dtype=np.uint64))
        values = np.where(random.random(n) < 0.5, values ^ bit, values)
    return values


def compare_all(queries, hashes, radius):
    return sorted(
        (i, j)
        for i, query in enumerate(queries.tolist())
        for j, hash_value in enumerate(hashes.tolist())
        if (query ^ hash_value).bit_count() <= radius
    )


def list_pairs(blocks):
    return sorted((int(i), int(j)) for block in blocks for i, j in zip(*block, strict=True))


PLANS = [(2, 4, 1), (2, 5, 1), (4, 5, 1), (4, 8, 2), (3, 9, 2), (5, 14, 3), (0, 4, 1), (0, 8, 2)]


@pytest.mark.parametrize(("radius", "n_chunks", "n_agreeing"), PLANS)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_buckets_find_each_brute_force_pair_once(radius, n_chunks, n_agreeing, seed):
    queries, hashes = (
        make_close_hashes(seed, 40),
        make_close_hashes(seed + 1, 30) ^ make_close_hashes(seed, 1),
    )
    hashes[:10] = queries[:10]
    choices = itertools.combinations(range(n_chunks), n_agreeing)
    blocks = [
        block
        for agreeing_chunks in choices
        for block in hamming._match_chunks(queries, hashes, radius, n_chunks, agreeing_chunks)
    ]
    assert list_pairs(blocks) == compare_all(queries, hashes, radius)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 64))
def test_a_scan_finds_the_brute_force_pairs(seed, radius):
    queries, hashes = make_close_hashes(seed, 20), make_close_hashes(seed, 30)
    assert list_pairs(hamming._scan_all(queries, hashes, radius)) == compare_all(queries, hashes, radius)


@pytest.mark.parametrize("chunk_size", [1, 3, 2**21])
def test_the_chunk_size_changes_no_pair(monkeypatch, chunk_size):
    values = make_close_hashes(1, 60)
    expected = compare_all(values, values, 3)
    for name in ("COMPARISON_CHUNK", "QUERY_CHUNK", "SCAN_CHUNK"):
        monkeypatch.setattr(hamming, name, chunk_size)
    assert list_pairs(hamming.close_pairs(values, values, 3)) == expected
    blocks = [
        pair
        for agreeing_chunks in ((0,), (1,), (2,), (3,))
        for pair in hamming._match_chunks(values, values, 3, 4, agreeing_chunks)
    ]
    assert list_pairs(blocks) == expected
    assert max(len(i) for i, _ in blocks) <= chunk_size


def test_no_hashes_have_no_pairs():
    no_hashes, one_hash = np.empty(0, dtype=np.uint64), np.zeros(1, dtype=np.uint64)
    for queries, hashes in ((no_hashes, no_hashes), (one_hash, no_hashes), (no_hashes, one_hash)):
        assert list_pairs(hamming.close_pairs(queries, hashes, 4)) == []


def test_large_searches_use_buckets_that_cover_all_bits():
    small, large, large_radius = (
        hamming.plan_search(n, n, radius) for n, radius in ((1000, 4), (10**6, 4), (10**6, 20))
    )
    assert small.n_chunks == large_radius.n_chunks == 0
    assert large.n_chunks - large.n_agreeing >= 4
    assert large.seconds < hamming.plan_search(10**6, 10**6, 8).seconds < large_radius.seconds
    for n_chunks in range(1, 65):
        chunks = hamming._split_bits(n_chunks)
        assert [start for start, _ in chunks[1:]] == [start + length for start, length in chunks[:-1]]
        assert chunks[-1][0] + chunks[-1][1] == 64


@pytest.mark.parametrize("radius", [0, 1, 4, 10, 12, 20, 60, 64])
@pytest.mark.parametrize(
    ("n_queries", "n_hashes"), [(100, 900), (20_000, 20_000), (10**6, 3 * 10**5), (10**8, 10**8)]
)
def test_a_plan_is_the_cheapest_complete_one(n_queries, n_hashes, radius):
    """Of m chunks, up to 8 more than the radius, s <= m - radius agree; their bits are 24 or fewer."""
    seconds_of_plans = {(0, 0): n_queries * n_hashes / 2.5e9}
    for m in range(radius + 1, radius + 9):
        for s in range(1, m - radius + 1):
            bits = 64 * s / m
            if m <= 64 and bits <= 24:
                each = (n_queries + n_hashes + 2**bits) / 2.5e7 + n_queries * n_hashes / 2**bits / 3.5e7
                seconds_of_plans[m, s] = math.comb(m, s) * each
    plan = hamming.plan_search(n_queries, n_hashes, radius)
    assert plan.seconds == pytest.approx(min(seconds_of_plans.values()))
    assert seconds_of_plans[plan.n_chunks, plan.n_agreeing] == pytest.approx(plan.seconds)


def test_keys_join_the_bits_of_their_chunks():
    hashes = np.array([0xF123456789ABCDE7, 1, 2**63], dtype=np.uint64)
    assert hamming._extract_keys(hashes, [(0, 4)]).tolist() == [0x7, 1, 0]
    assert hamming._extract_keys(hashes, [(60, 4), (0, 8)]).tolist() == [0xFE7, 1, 0x800]
    assert hamming._extract_keys(hashes, [(3, 5)]).tolist() == [(0xE7 >> 3) & 31, 0, 0]


def test_buckets_hold_the_positions_of_each_key():
    starts, positions = hamming._sort_by_key(np.array([2, 0, 2, 3]), 5)
    assert starts.tolist() == [0, 1, 1, 3, 4, 4]
    assert [sorted(positions[start:stop]) for start, stop in itertools.pairwise(starts)] == [
        [1],
        [],
        [0, 2],
        [3],
        [],
    ]


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 4, 5, 100])
def test_ragged_products_pair_each_value_with_its_range(monkeypatch, chunk_size):
    monkeypatch.setattr(hamming, "COMPARISON_CHUNK", chunk_size)
    values, first, last = np.array([7, 8, 9, 6]), np.array([3, 0, 5, 2]), np.array([6, 0, 7, 3])
    blocks = list(hamming.ragged_product(values, first, last))
    pairs = [(int(i), int(j)) for block in blocks for i, j in zip(*block, strict=True)]
    assert pairs == [(7, 3), (7, 4), (7, 5), (9, 5), (9, 6), (6, 2)]
    assert [len(i) for i, _ in blocks] == [len(pairs[i : i + chunk_size]) for i in range(0, 6, chunk_size)]
    assert list(hamming.ragged_product(values[:0], first[:0], last[:0])) == []
    assert list(hamming.ragged_product(values, first, first)) == []


@pytest.mark.parametrize("chunks", [(0, 0), (4, 1), (8, 3)])
def test_close_pairs_are_found_with_any_plan(monkeypatch, chunks):
    monkeypatch.setattr(hamming, "plan_search", lambda *arguments: hamming.Plan(0.0, *chunks))
    queries, hashes = make_close_hashes(1, 80)[::2], make_close_hashes(2, 30)[::2] ^ make_close_hashes(1, 1)
    hashes[:5] = queries[:5]
    expected = compare_all(queries, hashes, 3)
    assert len(expected) >= 5 and list_pairs(hamming.close_pairs(queries, hashes, 3)) == expected


def find_cheapest_plan(n_queries, n_hashes, radius):
    """The fastest of all plans that `close_pairs` describes; the first of equal ones."""
    pairs = n_queries * n_hashes
    best = (pairs / hamming.SCANS_PER_SECOND, 0, 0)
    for n_chunks in range(radius + 1, 65):
        for n_agreeing in range(1, n_chunks - radius + 1):
            n_bits = 64 * n_agreeing / n_chunks
            sort_seconds = (n_queries + n_hashes + 2**n_bits) / hamming.SORTS_PER_SECOND
            compare_seconds = pairs / 2**n_bits / hamming.COMPARISONS_PER_SECOND
            seconds = math.comb(n_chunks, n_agreeing) * (sort_seconds + compare_seconds)
            if n_bits <= hamming.MAX_KEY_BITS and seconds < best[0]:
                best = (seconds, n_chunks, n_agreeing)
    return best[1:]


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 60])
def test_the_plan_equals_an_exhaustive_search(radius):
    for n in (10, 10**3, 10**4, 10**5, 10**6, 10**7, 10**8):
        assert hamming.plan_search(n, n, radius)[1:] == find_cheapest_plan(n, n, radius)
        assert hamming.plan_search(100, n, radius)[1:] == find_cheapest_plan(100, n, radius)
