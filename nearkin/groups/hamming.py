"""All pairs of 64-bit hashes that differ in few bits, exactly."""

import itertools
from collections.abc import Iterator, Sequence
from math import comb
from typing import NamedTuple

import faiss
import numpy as np
from scipy.sparse import coo_array

BITS = 64

MAX_KEY_BITS = 24
"""Bits by which hashes are put into buckets: there are at most 2^24 buckets."""

SCANS_PER_SECOND = 2.5e9
COMPARISONS_PER_SECOND = 3.5e7
SORTS_PER_SECOND = 2.5e7
"""Pairs scanned, pairs compared and hashes sorted per second on two cores: they choose the plan."""

SCAN_CHUNK = 10**8
COMPARISON_CHUNK = 2**21
QUERY_CHUNK = 2**22
"""Pairs, and queries, in memory at once."""


class Plan(NamedTuple):
    """How to search: by agreement in `n_agreeing` of `n_chunks` chunks, or 0 of 0, all pairs."""

    seconds: float
    n_chunks: int
    n_agreeing: int


def close_pairs(
    queries: np.ndarray, hashes: np.ndarray, radius: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields blocks of pairs of positions whose hashes differ in at most `radius` of 64 bits.

    `queries` and `hashes` are uint64; a block is two arrays, positions in `queries` and in
    `hashes`. Every pair comes once, in no useful order. Give distinct values: the pairs of
    equal ones multiply.

    For few hashes, or a large radius, faiss compares all pairs. Otherwise the pigeonhole
    principle helps: of m chunks of the bits, a close pair has at least m - radius the same. So for
    each of the C(m, s) choices of s <= m - radius chunks, hashes are put into buckets by these
    chunks, and only those of one bucket are compared. With b = 64 s / m bits and hashes spread
    evenly that takes C(m, s) (n + 2^b + n^2 / 2^b) steps, with m and s as `plan_search` finds them. After
    Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index Hashing" (CVPR 2012),
    where s = 1.
    """
    queries, hashes = (np.ascontiguousarray(values, dtype=np.uint64) for values in (queries, hashes))
    best = plan_search(len(queries), len(hashes), radius)
    if not best.n_chunks:
        yield from _scan_all(queries, hashes, radius)
        return
    for agreeing in itertools.combinations(range(best.n_chunks), best.n_agreeing):
        yield from _match_chunks(queries, hashes, radius, best.n_chunks, agreeing)


def plan_search(n_queries: int, n_hashes: int, radius: int) -> Plan:
    """The Plan that takes the least time if the hashes are spread evenly.

    >>> plan_search(20_000, 20_000, 10)[1:], plan_search(1_000_000, 1_000_000, 4)[1:]
    ((0, 0), (6, 2))
    """
    pairs = n_queries * n_hashes
    plans = [Plan(pairs / SCANS_PER_SECOND, 0, 0)]
    for n_chunks in range(radius + 1, BITS + 1):
        for n_agreeing in range(1, n_chunks - radius + 1):
            n_bits = BITS * n_agreeing / n_chunks
            if n_bits > MAX_KEY_BITS:
                break
            sorting = (n_queries + n_hashes + 2**n_bits) / SORTS_PER_SECOND
            comparing = pairs / 2**n_bits / COMPARISONS_PER_SECOND
            plans.append(Plan(comb(n_chunks, n_agreeing) * (sorting + comparing), n_chunks, n_agreeing))
    return min(plans)


def _scan_all(
    queries: np.ndarray, hashes: np.ndarray, radius: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The close pairs by a comparison of all pairs."""
    index = faiss.IndexBinaryFlat(BITS)
    index.add(hashes.view(np.uint8).reshape(-1, BITS // 8))
    step = max(1, SCAN_CHUNK // max(1, len(hashes)))
    for start in range(0, len(queries), step):
        part = queries[start : start + step].view(np.uint8).reshape(-1, BITS // 8)
        limits, _, positions = index.range_search(part, radius + 1)
        yield start + np.repeat(np.arange(len(part)), np.diff(limits.astype(np.int64))), positions


def _match_chunks(
    queries: np.ndarray, hashes: np.ndarray, radius: int, n_chunks: int, agreeing: Sequence[int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The close pairs whose first agreeing chunks are `agreeing`: so each pair comes with one choice only."""
    chunks = _split_bits(n_chunks)
    masks = np.array([((1 << length) - 1) << start for start, length in chunks], dtype=np.uint64)
    expected = np.isin(np.arange(n_chunks), agreeing)
    chosen = [chunks[number] for number in agreeing]
    starts, positions = _sort_by_key(_extract_keys(hashes, chosen), 2 ** sum(length for _, length in chosen))
    sorted_hashes = hashes[positions]
    for start in range(0, len(queries), QUERY_CHUNK):
        part = queries[start : start + QUERY_CHUNK]
        keys = _extract_keys(part, chosen)
        for i, j in ragged_product(np.arange(len(part)), starts[keys], starts[keys + 1]):
            differences = part[i] ^ sorted_hashes[j]
            close = np.bitwise_count(differences) <= radius
            i, j, differences = i[close], j[close], differences[close]
            agrees = (differences[:, None] & masks) == 0
            leading = agrees & (np.cumsum(agrees, axis=1) <= len(agreeing))
            is_first = (leading == expected).all(axis=1)
            yield start + i[is_first], positions[j[is_first]]


def _split_bits(n_chunks: int) -> list[tuple[int, int]]:
    """The start and the length of each chunk of the bits; lengths differ by at most one."""
    edges = [BITS * number // n_chunks for number in range(n_chunks + 1)]
    return [(start, stop - start) for start, stop in itertools.pairwise(edges)]


def _extract_keys(hashes: np.ndarray, chunks: Sequence[tuple[int, int]]) -> np.ndarray:
    """The bits of some chunks as one number."""
    keys = np.zeros(len(hashes), dtype=np.uint64)
    for start, length in chunks:
        keys = keys << np.uint64(length) | hashes >> np.uint64(start) & np.uint64((1 << length) - 1)
    return keys.astype(np.int64)


def _sort_by_key(keys: np.ndarray, n_keys: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each key begins among the positions, and the positions sorted by key: (n_keys + 1,), (n,)."""
    ones = np.ones(len(keys), dtype=bool)
    table = coo_array((ones, (keys, np.arange(len(keys)))), shape=(n_keys, len(keys))).tocsr()
    return table.indptr.astype(np.int64), table.indices.astype(np.int64)


def ragged_product(
    values: np.ndarray, first: np.ndarray, last: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of each value with each number of its own range first..last - 1, as two arrays."""
    counts = last - first
    values, first, counts = values[counts > 0], first[counts > 0], counts[counts > 0]
    ends = np.cumsum(counts)
    start = 0  # in the sequence of all pairs, of which a block is a slice
    while len(ends) and start < ends[-1]:
        stop = min(start + COMPARISON_CHUNK, ends[-1])
        low, high = np.searchsorted(ends, start, "right"), np.searchsorted(ends, stop, "left") + 1
        begins = np.maximum(ends[low:high] - counts[low:high], start)
        lengths = np.minimum(ends[low:high], stop) - begins
        at = np.repeat(np.arange(low, high), lengths)
        yield values[at], np.arange(start, stop) - (ends - counts)[at] + first[at]
        start = stop
