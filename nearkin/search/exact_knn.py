"""Exact nearest neighbours by cosine, at the speed of inexact products.

Products in a fast precision say who can be among the nearest; these candidates are scored
in float64 and put in order, equal ones by index. A bound on the error of every product
certifies that nobody else belongs there, and queries without that certificate are scored
against everybody (see `nearkin.search`). So the result does not depend on blocks, threads,
precision or device.
"""

import logging
from functools import partial
from itertools import combinations_with_replacement

import torch
from tqdm import tqdm

from nearkin.encoders.device import set_matmul_precision
from nearkin.runtime.memory import available_memory
from nearkin.runtime.prefetch import thread_map_ordered
from nearkin.search.brute_force import brute_force_pairs
from nearkin.search.candidates import Candidates
from nearkin.search.error_bounds import fast_precision, quantise
from nearkin.search.similarity import similarities
from nearkin.search.topk import top_k

logger = logging.getLogger(__name__)

BLOCK = {"cpu": 1024, "cuda": 16384}
"""Vectors multiplied at once; the products of two blocks stay in the cache of a CPU."""


def self_knn(vectors, codes, *, depth):
    """The nearest of each vector among all others; yields `(start, indices, similarities)`.

    `vectors` are (n, width), float32 or float16. A vector never finds one of its own code:
    `codes` (n,) are integers from 0, different for all where only a vector itself is to be
    left out. For a block of queries from `start` on, `indices` is int64 (block, depth), the
    nearest first, equal ones by index, -1 where nobody is left; `similarities` is float64 of
    that shape. Raises ValueError for a vector that is zero or not finite.
    """
    device = _device()
    everyone = quantise(vectors, codes, device=device, precision=fast_precision(device))
    collect = _once_a_pair if _has_room(len(vectors), depth) else _one_by_one
    yield from _searched(collect, everyone, everyone, depth)


def knn(queries, query_codes, gallery, gallery_codes, *, depth):
    """The nearest of each query in a gallery; as `self_knn`, with vectors and codes of both."""
    device = _device()
    precision = fast_precision(device)
    asking = quantise(queries, query_codes, device=device, precision=precision)
    asked = quantise(gallery, gallery_codes, device=device, precision=precision)
    yield from _searched(_one_by_one, asking, asked, depth)


def _searched(collect, queries, gallery, depth):
    """The nearest of each query, computed in as many threads as torch may use.

    Each works alone on large parts: threads that share each small step would wait for each
    other all the time, above all where other programs run as well.
    """
    n_threads = torch.get_num_threads()
    alone = {
        "n_threads": 1 if queries.fast.is_cuda else n_threads,
        "begin": partial(torch.set_num_threads, 1),
    }
    finish = partial(_finished, queries, gallery, depth)
    n_exhaustive = 0
    try:
        collected = collect(queries, gallery, depth, alone)
        for start, indices, similar, n_crowded in thread_map_ordered(finish, collected, n_ahead=2, **alone):
            n_exhaustive += n_crowded
            yield start, indices, similar
    finally:
        torch.set_num_threads(n_threads)
    n_queries = len(queries.exact)
    logger.info(
        "%d queries, %d of them in float64 against the whole gallery", n_queries, n_exhaustive,
        extra={"counts": {"queries": n_queries}},
    )  # fmt: skip


def _one_by_one(queries, gallery, depth, threads):
    """The `Candidates` of block after block of queries, each block after it has met the whole gallery."""

    def met(block):
        candidates = Candidates(queries, gallery, block, depth=depth)
        for others in _blocks(gallery):
            candidates.add(torch.mm(queries.fast[block], gallery.fast[others].T), others)
        return candidates

    blocks = _blocks(queries)
    collected = thread_map_ordered(met, blocks, n_ahead=threads["n_threads"], **threads)
    yield from tqdm(collected, total=len(blocks), desc="search", unit="block", disable=None)


def _once_a_pair(everyone, _, depth, threads):
    """The same for a set in itself: two blocks are multiplied once and looked at from both sides."""
    blocks = _blocks(everyone)
    candidates = [Candidates(everyone, everyone, block, depth=depth) for block in blocks]

    def meet(pair):
        one, other = (candidates[i] for i in pair)
        products = torch.mm(everyone.fast[one.block], everyone.fast[other.block].T)
        one.add(products, other.block)
        if one is not other:
            other.add(products.T, one.block)
        return pair

    pairs = list(combinations_with_replacement(range(len(blocks)), 2))
    met = thread_map_ordered(meet, pairs, n_ahead=len(blocks) + threads["n_threads"], **threads)
    for one, other in tqdm(met, total=len(pairs), desc="search", unit="pair of blocks", disable=None):
        if other == len(blocks) - 1:  # the last one that it had to meet
            yield candidates[one]
            candidates[one] = None


def _finished(queries, gallery, depth, candidates):
    """Start, indices and similarities of a block, and how many of its queries had no certificate."""
    asking = queries.of(candidates.block)
    query, other = candidates.certified_pairs()
    parts = [(query, other, similarities(asking.exact, gallery.exact, query, other))]
    crowded = candidates.overflowed()
    parts += brute_force_pairs(asking, gallery, crowded, depth=depth)
    query, other, similarity = (torch.cat(column) for column in zip(*parts, strict=True))
    found = top_k(query, other, similarity, n_queries=len(asking.exact), depth=depth)
    return candidates.block.start, *(column.cpu().numpy() for column in found), len(crowded)


def _blocks(vectors):
    n, step = len(vectors.fast), BLOCK[vectors.fast.device.type]
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def _has_room(n, depth):
    """Whether the candidates of all queries fit into a quarter of the memory that is free."""
    return n * (4 * depth + 64) * 12 < available_memory() / 4


def _device():
    """A CUDA GPU if there is one, told to add up in float32; else the CPU, for other GPUs lack float64."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        logger.info("no CUDA GPU is seen: searching on the CPU")
    set_matmul_precision("fp32", device)
    return device
