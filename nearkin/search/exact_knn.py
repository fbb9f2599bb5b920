"""Exact nearest neighbours by cosine, at the speed of inexact products.

Products in a fast precision show which vectors can be among the nearest; these candidates are
scored in float64 and sorted, equal ones by index. A bound on the error of every product
certifies that no other vector belongs there, and queries without that certificate are scored
against the whole gallery (see `nearkin.search.candidates`). So the result does not depend on
blocks, threads, precision or device.
"""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations_with_replacement
from typing import TypedDict

import numpy as np
import torch
from tqdm import tqdm

from nearkin.encoders.device import set_matmul_precision
from nearkin.runtime.memory import available_memory
from nearkin.runtime.prefetch import thread_map_ordered
from nearkin.search.brute_force import brute_force_pairs
from nearkin.search.candidates import Candidates
from nearkin.search.error_bounds import QuantisedVectors, fast_precision, quantise
from nearkin.search.similarity import compute_similarities
from nearkin.search.topk import top_k

logger = logging.getLogger(__name__)

BLOCK_ROWS = {"cpu": 1024, "cuda": 16384}
"""Vectors multiplied at once; the products of two blocks stay in the cache of a CPU."""


class Threads(TypedDict):
    """Arguments of `thread_map_ordered`: how many threads, and what each calls first."""

    n_threads: int
    initializer: Callable[[], object]


def self_knn(
    vectors: np.ndarray, codes: np.ndarray, *, depth: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The nearest of each vector among all others; yields `(start, indices, similarities)`.

    `vectors` are (n, width), float32 or float16. A vector never finds one with its own code:
    `codes` (n,) are integers from 0, all different if only the vector itself is excluded. For a block
    of queries from `start` on, `indices` is int64 (block, depth), the nearest first, equal ones by
    index, -1 where no vector is left; `similarities` is float64 of that shape. Raises ValueError for
    a vector that is zero or not finite.
    """
    device = _choose_device()
    quantised = quantise(vectors, codes, device=device, precision=fast_precision(device))
    collect = _collect_by_pair if _has_room(len(vectors), depth) else _collect_by_block
    yield from _search(collect, quantised, quantised, depth)


def knn(
    queries: np.ndarray,
    query_codes: np.ndarray,
    gallery: np.ndarray,
    gallery_codes: np.ndarray,
    *,
    depth: int,
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The nearest of each query in a gallery; as `self_knn`, with vectors and codes of both."""
    device = _choose_device()
    precision = fast_precision(device)
    quantised_queries = quantise(queries, query_codes, device=device, precision=precision)
    quantised_gallery = quantise(gallery, gallery_codes, device=device, precision=precision)
    yield from _search(_collect_by_block, quantised_queries, quantised_gallery, depth)


def _search(
    collect: Callable[[QuantisedVectors, QuantisedVectors, int, Threads], Iterator[Candidates]],
    queries: QuantisedVectors,
    gallery: QuantisedVectors,
    depth: int,
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The nearest of each query, computed in as many threads as torch may use.

    Each thread works alone on large parts: threads that share each small step would wait for each
    other all the time, above all where other programs run as well.
    """
    n_threads = torch.get_num_threads()
    threads: Threads = {
        "n_threads": 1 if queries.fast.is_cuda else n_threads,
        "initializer": partial(torch.set_num_threads, 1),
    }
    finish = partial(_finish_block, queries, gallery, depth)
    n_exhaustive = 0
    try:
        blocks = collect(queries, gallery, depth, threads)
        for start, indices, similar, n_overflowed in thread_map_ordered(finish, blocks, n_ahead=2, **threads):
            n_exhaustive += n_overflowed
            yield start, indices, similar
    finally:
        torch.set_num_threads(n_threads)
    n_queries = len(queries.exact)
    logger.info(
        "%d queries, %d of them in float64 against the whole gallery", n_queries, n_exhaustive,
        extra={"counts": {"queries": n_queries}},
    )  # fmt: skip


def _collect_by_block(
    queries: QuantisedVectors, gallery: QuantisedVectors, depth: int, threads: Threads
) -> Iterator[Candidates]:
    """The `Candidates` of block after block of queries, each from the whole gallery."""

    def multiply(block: slice) -> Candidates:
        candidates = Candidates(queries, gallery, block, depth=depth)
        for others in _split_rows(gallery):
            candidates.add(torch.mm(queries.fast[block], gallery.fast[others].T), others)
        return candidates

    blocks = _split_rows(queries)
    results = thread_map_ordered(multiply, blocks, n_ahead=threads["n_threads"], **threads)
    yield from tqdm(results, total=len(blocks), desc="search", unit="block", disable=None)


def _collect_by_pair(
    vectors: QuantisedVectors, _: QuantisedVectors, depth: int, threads: Threads
) -> Iterator[Candidates]:
    """The same for a set within itself: two blocks are multiplied once, for the queries of both."""
    blocks = _split_rows(vectors)
    candidates = {i: Candidates(vectors, vectors, block, depth=depth) for i, block in enumerate(blocks)}

    def multiply(pair: tuple[int, int]) -> tuple[int, int]:
        first, second = (candidates[i] for i in pair)
        products = torch.mm(vectors.fast[first.block], vectors.fast[second.block].T)
        first.add(products, second.block)
        if first is not second:
            second.add(products.T, first.block)
        return pair

    pairs = list(combinations_with_replacement(range(len(blocks)), 2))
    done = thread_map_ordered(multiply, pairs, n_ahead=len(blocks) + threads["n_threads"], **threads)
    for first, second in tqdm(done, total=len(pairs), desc="search", unit="pair of blocks", disable=None):
        if second == len(blocks) - 1:  # the last pair of the first block
            yield candidates.pop(first)


def _finish_block(
    queries: QuantisedVectors, gallery: QuantisedVectors, depth: int, candidates: Candidates
) -> tuple[int, np.ndarray, np.ndarray, int]:
    """Start, indices and similarities of a block, and how many of its queries had no certificate."""
    block = queries.of(candidates.block)
    query, other = candidates.find_certified_pairs()
    parts = [(query, other, compute_similarities(block.exact, gallery.exact, query, other))]
    overflowed = candidates.find_overflowed()
    parts += brute_force_pairs(block, gallery, overflowed, depth=depth)
    query, other, similarity = (torch.cat(column) for column in zip(*parts, strict=True))
    indices, similar = top_k(query, other, similarity, n_queries=len(block.exact), depth=depth)
    return candidates.block.start, indices.cpu().numpy(), similar.cpu().numpy(), len(overflowed)


def _split_rows(vectors: QuantisedVectors) -> list[slice]:
    """The blocks of a set of vectors, as slices."""
    n, step = len(vectors.fast), BLOCK_ROWS[vectors.fast.device.type]
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def _has_room(n: int, depth: int) -> bool:
    """Whether the candidates of all queries fit into a quarter of the memory that is free."""
    return n * (4 * depth + 64) * 12 < available_memory() / 4


def _choose_device() -> torch.device:
    """A CUDA GPU if there is one, set to add in float32; else the CPU, since other GPUs lack float64."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        logger.info("no CUDA GPU is seen: searching on the CPU")
    set_matmul_precision("fp32", device)
    return device
