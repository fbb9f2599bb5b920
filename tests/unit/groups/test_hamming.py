"""Pairs of close hashes are exactly those of a comparison of all with all."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.groups import hamming


def crowded(seed, n):
    """Hashes near a few centres, so that many are close and some are the same."""
    random = np.random.default_rng(seed)
    values = random.integers(2**64, size=4, dtype=np.uint64)[random.integers(4, size=n)]
    for _ in range(5):
        bit = np.left_shift(np.uint64(1), random.integers(64, size=n, dtype=np.uint64))
        values = np.where(random.random(n) < 0.5, values ^ bit, values)
    return values


def all_with_all(queries, hashes, radius):
    return sorted(
        (i, j)
        for i, one in enumerate(queries.tolist())
        for j, other in enumerate(hashes.tolist())
        if (one ^ other).bit_count() <= radius
    )


def listed(blocks):
    return sorted((int(i), int(j)) for block in blocks for i, j in zip(*block, strict=True))


PLANS = [(2, 4, 1), (2, 5, 1), (4, 5, 1), (4, 8, 2), (3, 9, 2), (5, 14, 3), (0, 4, 1), (0, 8, 2)]


@pytest.mark.parametrize(("radius", "n_chunks", "n_agreeing"), PLANS)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_buckets_find_the_same_as_all_with_all_and_each_pair_once(radius, n_chunks, n_agreeing, seed):
    queries, hashes = crowded(seed, 40), crowded(seed + 1, 30) ^ crowded(seed, 1)
    hashes[:10] = queries[:10]
    choices = itertools.combinations(range(n_chunks), n_agreeing)
    blocks = [
        block
        for chosen in choices
        for block in hamming._match_chunks(queries, hashes, radius, n_chunks, chosen)
    ]
    assert listed(blocks) == all_with_all(queries, hashes, radius)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 64))
def test_a_scan_finds_the_same_as_all_with_all(seed, radius):
    queries, hashes = crowded(seed, 20), crowded(seed, 30)
    assert listed(hamming._scan_all(queries, hashes, radius)) == all_with_all(queries, hashes, radius)


@pytest.mark.parametrize("at_once", [1, 3, 2**21])
def test_small_blocks_find_the_same(monkeypatch, at_once):
    values = crowded(1, 60)
    expected = all_with_all(values, values, 3)
    for name in ("COMPARISON_CHUNK", "QUERY_CHUNK", "SCAN_CHUNK"):
        monkeypatch.setattr(hamming, name, at_once)
    assert listed(hamming.close_pairs(values, values, 3)) == expected
    blocks = [
        pair
        for chosen in ((0,), (1,), (2,), (3,))
        for pair in hamming._match_chunks(values, values, 3, 4, chosen)
    ]
    assert listed(blocks) == expected
    assert max(len(i) for i, _ in blocks) <= at_once


def test_nothing_among_nothing():
    nothing, one = np.empty(0, dtype=np.uint64), np.zeros(1, dtype=np.uint64)
    for queries, hashes in ((nothing, nothing), (one, nothing), (nothing, one)):
        assert listed(hamming.close_pairs(queries, hashes, 4)) == []


def test_a_search_that_can_use_buckets_does_and_its_chunks_are_all_bits():
    few, many, far = (hamming.plan_search(n, n, radius) for n, radius in ((1000, 4), (10**6, 4), (10**6, 20)))
    assert few.n_chunks == far.n_chunks == 0
    assert many.n_chunks - many.n_agreeing >= 4
    assert many.seconds < hamming.plan_search(10**6, 10**6, 8).seconds < far.seconds
    for n_chunks in range(1, 65):
        chunks = hamming._split_bits(n_chunks)
        assert [start for start, _ in chunks[1:]] == [start + length for start, length in chunks[:-1]]
        assert chunks[-1][0] + chunks[-1][1] == 64


@pytest.mark.parametrize("radius", [0, 1, 4, 10, 12, 20, 60, 64])
@pytest.mark.parametrize(
    ("n_queries", "n_hashes"), [(100, 900), (20_000, 20_000), (10**6, 3 * 10**5), (10**8, 10**8)]
)
def test_a_plan_is_the_cheapest_that_misses_no_pair(n_queries, n_hashes, radius):
    """Of m chunks, up to 8 more than the radius, s <= m - radius agree; their bits are 24 or fewer."""
    ways = {(0, 0): n_queries * n_hashes / 2.5e9}
    for m in range(radius + 1, radius + 9):
        for s in range(1, m - radius + 1):
            bits = 64 * s / m
            if m <= 64 and bits <= 24:
                each = (n_queries + n_hashes + 2**bits) / 2.5e7 + n_queries * n_hashes / 2**bits / 3.5e7
                ways[m, s] = math.comb(m, s) * each
    way = hamming.plan_search(n_queries, n_hashes, radius)
    assert way.seconds == pytest.approx(min(ways.values()))
    assert ways[way.n_chunks, way.n_agreeing] == pytest.approx(way.seconds)


def test_keys_are_the_bits_of_their_chunks_the_first_on_top():
    hashes = np.array([0xF123456789ABCDE7, 1, 2**63], dtype=np.uint64)
    assert hamming._extract_keys(hashes, [(0, 4)]).tolist() == [0x7, 1, 0]
    assert hamming._extract_keys(hashes, [(60, 4), (0, 8)]).tolist() == [0xFE7, 1, 0x800]
    assert hamming._extract_keys(hashes, [(3, 5)]).tolist() == [(0xE7 >> 3) & 31, 0, 0]


def test_buckets_hold_the_positions_of_each_key():
    begins, positions = hamming._sort_by_key(np.array([2, 0, 2, 3]), 5)
    assert begins.tolist() == [0, 1, 1, 3, 4, 4]
    assert [sorted(positions[start:stop]) for start, stop in itertools.pairwise(begins)] == [
        [1],
        [],
        [0, 2],
        [3],
        [],
    ]


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 5, 100])
def test_products_are_each_value_with_its_own_range_in_blocks(monkeypatch, at_once):
    monkeypatch.setattr(hamming, "COMPARISON_CHUNK", at_once)
    values, first, last = np.array([7, 8, 9, 6]), np.array([3, 0, 5, 2]), np.array([6, 0, 7, 3])
    blocks = list(hamming.ragged_product(values, first, last))
    pairs = [(int(i), int(j)) for block in blocks for i, j in zip(*block, strict=True)]
    assert pairs == [(7, 3), (7, 4), (7, 5), (9, 5), (9, 6), (6, 2)]
    assert [len(i) for i, _ in blocks] == [len(pairs[i : i + at_once]) for i in range(0, 6, at_once)]
    assert list(hamming.ragged_product(values[:0], first[:0], last[:0])) == []
    assert list(hamming.ragged_product(values, first, first)) == []


@pytest.mark.parametrize("way", [(0, 0), (4, 1), (8, 3)])
def test_close_pairs_are_found_with_any_plan(monkeypatch, way):
    monkeypatch.setattr(hamming, "plan_search", lambda *asked: hamming.Plan(0.0, *way))
    queries, hashes = crowded(1, 80)[::2], crowded(2, 30)[::2] ^ crowded(1, 1)
    hashes[:5] = queries[:5]
    expected = all_with_all(queries, hashes, 3)
    assert len(expected) >= 5 and listed(hamming.close_pairs(queries, hashes, 3)) == expected


def cheapest(n_queries, n_hashes, radius):
    """The plan of least seconds among all that `close_pairs` describes, the first of equal ones."""
    pairs = n_queries * n_hashes
    best = (pairs / hamming.SCANS_PER_SECOND, 0, 0)
    for n_chunks in range(radius + 1, 65):
        for n_agreeing in range(1, n_chunks - radius + 1):
            n_bits = 64 * n_agreeing / n_chunks
            sorting = (n_queries + n_hashes + 2**n_bits) / hamming.SORTS_PER_SECOND
            comparing = pairs / 2**n_bits / hamming.COMPARISONS_PER_SECOND
            seconds = math.comb(n_chunks, n_agreeing) * (sorting + comparing)
            if n_bits <= hamming.MAX_KEY_BITS and seconds < best[0]:
                best = (seconds, n_chunks, n_agreeing)
    return best[1:]


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 60])
def test_the_plan_is_the_cheapest_of_all(radius):
    for n in (10, 10**3, 10**4, 10**5, 10**6, 10**7, 10**8):
        assert hamming.plan_search(n, n, radius)[1:] == cheapest(n, n, radius)
        assert hamming.plan_search(100, n, radius)[1:] == cheapest(100, n, radius)
