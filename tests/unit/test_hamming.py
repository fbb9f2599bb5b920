"""Pairs of close hashes are exactly those of a comparison of all with all."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin import hamming


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


WAYS = [(2, 4, 1), (2, 5, 1), (4, 5, 1), (4, 8, 2), (3, 9, 2), (5, 14, 3), (0, 4, 1), (0, 8, 2)]


@pytest.mark.parametrize(("radius", "n_chunks", "n_agreeing"), WAYS)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_drawers_find_the_same_as_all_with_all_and_each_pair_once(radius, n_chunks, n_agreeing, seed):
    queries, hashes = crowded(seed, 40), crowded(seed + 1, 30) ^ crowded(seed, 1)
    hashes[:10] = queries[:10]
    choices = itertools.combinations(range(n_chunks), n_agreeing)
    blocks = [
        block for chosen in choices for block in hamming._agreeing(queries, hashes, radius, n_chunks, chosen)
    ]
    assert listed(blocks) == all_with_all(queries, hashes, radius)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 64))
def test_a_scan_finds_the_same_as_all_with_all(seed, radius):
    queries, hashes = crowded(seed, 20), crowded(seed, 30)
    assert listed(hamming._scanned(queries, hashes, radius)) == all_with_all(queries, hashes, radius)


@pytest.mark.parametrize("at_once", [1, 3, 2**21])
def test_small_blocks_find_the_same(monkeypatch, at_once):
    values = crowded(1, 60)
    expected = all_with_all(values, values, 3)
    for name in ("COMPARED_AT_ONCE", "QUERIES_AT_ONCE", "SCANNED_AT_ONCE"):
        monkeypatch.setattr(hamming, name, at_once)
    assert listed(hamming.close_pairs(values, values, 3)) == expected
    blocks = [
        pair
        for chosen in ((0,), (1,), (2,), (3,))
        for pair in hamming._agreeing(values, values, 3, 4, chosen)
    ]
    assert listed(blocks) == expected
    assert max(len(i) for i, _ in blocks) <= at_once


def test_nothing_among_nothing():
    nothing, one = np.empty(0, dtype=np.uint64), np.zeros(1, dtype=np.uint64)
    for queries, hashes in ((nothing, nothing), (one, nothing), (nothing, one)):
        assert listed(hamming.close_pairs(queries, hashes, 4)) == []


def test_a_search_that_can_use_drawers_plans_to_and_its_chunks_are_all_bits():
    few, many, far = (hamming.plan(n, n, radius) for n, radius in ((1000, 4), (10**6, 4), (10**6, 20)))
    assert few.n_chunks == far.n_chunks == 0
    assert many.n_chunks - many.n_agreeing >= 4
    assert many.seconds < hamming.plan(10**6, 10**6, 8).seconds < far.seconds
    for n_chunks in range(1, 65):
        chunks = hamming._chunks(n_chunks)
        assert [start for start, _ in chunks[1:]] == [start + length for start, length in chunks[:-1]]
        assert chunks[-1][0] + chunks[-1][1] == 64
