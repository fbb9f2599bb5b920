"""Pairs of images that look the same: hashes propose them, their thumbnails decide."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from nearkin.groups import hamming
from nearkin.groups.alignment import aligned_similarity, coarse_gradients
from nearkin.groups.components import NO_PAIRS, merge_pair_blocks
from nearkin.images.dhash import UNCROPPED_VIEWS, transform_view
from nearkin.tables.images import VIEWS

logger = logging.getLogger(__name__)

MIN_COARSE_COSINE = 0.6
"""Cosine of the coarsest gradients from which a pair is aligned at all."""

STRICT_FACTOR = 0.5
"""Mirrored and turned copies are not cropped as well: they may lack only this share of what others may."""

MAX_BUCKET = 1000
"""Images that may share a hash before it is too common to propose anything."""

MAX_CACHED = 250_000
"""Images of which all thumbnails are kept in memory (256 MB)."""

CHUNK_ROWS = 2**18
"""Pairs compared at a time."""

MAX_PAIRS = 2**22
"""Pairs that are kept; of more only as many as connect the same images."""

WARN_SECONDS = 600
"""Estimated seconds from which a warning announces the search."""


class HashBuckets(NamedTuple):
    """Rows in the order of their hashes: those of `hashes[i]` are `n_rows[i]`, from `first[i]` on."""

    hashes: np.ndarray
    first: np.ndarray
    n_rows: np.ndarray
    rows: np.ndarray


def near_duplicate_pairs(
    uuids: pl.Series,
    hashes: np.ndarray,
    thumbnails_of: Callable[[pl.Series], np.ndarray],
    *,
    max_hamming: int,
    min_similarity: float,
    detect_transformed: bool,
) -> np.ndarray:
    """Pairs of row numbers, first before second, that look the same: int64, (n_pairs, 2).

    `hashes` are those of the images and of their views (see `stack_hashes`); `thumbnails_of` returns
    the thumbnails of some uuids, uint8, (n, side, side). A pair is proposed if the 8 x 8 hash
    of one image, or with `detect_transformed` of a view of it (cropped, mirrored, turned), is within
    `max_hamming` of 64 bits of the other's. It is taken if their `aligned_similarity` is at least
    `min_similarity`, and more for mirrored and turned ones. Blank images have no near duplicates.

    Images with all hashes the same are compared with the first of them only. A hash that more
    than MAX_BUCKET images share proposes nothing, which is logged. Of more than MAX_PAIRS pairs
    only as many are kept as connect the same images.
    """
    lookup = _make_lookup(uuids, thumbnails_of)
    batches = _merge_blocks(_propose_pairs(hashes, max_hamming, detect_transformed))
    similar = (
        _confirm_pairs(first, second, views, lookup, min_similarity) for first, second, views in batches
    )
    return merge_pair_blocks(similar, len(uuids), max_pairs=MAX_PAIRS)


def stack_hashes(inspection: pl.DataFrame) -> np.ndarray:
    """The hashes of images and of their views as numbers: uint64, (n, 1 + number of views)."""
    whole = inspection["dhash"].str.to_integer(base=16, dtype=pl.UInt64).to_numpy()
    return np.column_stack([whole, inspection["dhash_of_views"].to_numpy().reshape(-1, len(VIEWS))])


def _propose_pairs(
    hashes: np.ndarray, max_hamming: int, detect_transformed: bool
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yields rows of which a view may show what others show, these others, and the views; 0 is whole."""
    leader = _find_leaders(hashes)
    followers = np.flatnonzero(leader != np.arange(len(leader)))
    yield leader[followers], followers, np.zeros(len(followers), dtype=np.int64)
    rows = np.flatnonzero(leader == np.arange(len(leader)))
    whole = _sort_by_hash(hashes[rows, 0], rows)
    n_views = hashes.shape[1] if detect_transformed else 1
    _announce(len(rows), len(whole.rows), n_views, max_hamming)
    for view in range(n_views):
        table = _sort_by_hash(hashes[rows, view], rows)
        for query, match in hamming.close_pairs(table.hashes, whole.hashes, max_hamming):
            for first, second in _expand_rows(table, query, whole, match):
                new = (first < second) if view == 0 else (first != second)
                yield first[new], second[new], np.full(new.sum(), view)


def _announce(n: int, n_searched: int, n_views: int, max_hamming: int) -> None:
    if n > n_searched:
        logger.warning(
            "%d images have a hash that more than %d share: not compared", n - n_searched, MAX_BUCKET
        )
    seconds = n_views * hamming.plan_search(n, n_searched, max_hamming).seconds
    if seconds > WARN_SECONDS:
        logger.warning(
            "comparing %d images within %d bits takes about %d minutes on two cores; a smaller "
            "max_hamming takes less, and so does detect_transformed: false", n, max_hamming, seconds / 60,
        )  # fmt: skip


def _find_leaders(hashes: np.ndarray) -> np.ndarray:
    """For each row the first one with all hashes the same: (n,)."""
    _, number, count = np.unique(hashes[:, 0], return_inverse=True, return_counts=True)
    leader = np.arange(len(hashes))
    shared = np.flatnonzero(count[number] > 1)
    _, first, number = np.unique(hashes[shared], axis=0, return_index=True, return_inverse=True)
    leader[shared] = shared[first][number]
    return leader


def _sort_by_hash(hashes: np.ndarray, rows: np.ndarray) -> HashBuckets:
    """Rows by their hash, without those whose hash more than MAX_BUCKET share."""
    rows = rows[np.argsort(hashes, kind="stable")]
    distinct, count = np.unique(hashes, return_counts=True)
    common = count > MAX_BUCKET
    rows, distinct, count = rows[np.repeat(~common, count)], distinct[~common], count[~common]
    return HashBuckets(distinct, np.cumsum(count) - count, count, rows)


def _expand_rows(
    queries: HashBuckets, i: np.ndarray, others: HashBuckets, j: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields blocks of all rows of the hashes `i` of one table with all of the hashes `j` of the other."""
    n_others = others.n_rows[j]
    n_pairs = queries.n_rows[i] * n_others
    for pair, number in hamming.ragged_product(np.arange(len(i)), np.zeros_like(n_pairs), n_pairs):
        first = queries.rows[queries.first[i[pair]] + number // n_others[pair]]
        second = others.rows[others.first[j[pair]] + number % n_others[pair]]
        yield first, second


def _merge_blocks(blocks: Iterable[Sequence[np.ndarray]]) -> Iterator[list[np.ndarray]]:
    """The same rows in blocks of about CHUNK_ROWS."""
    buffer = []
    for block in blocks:
        buffer.append(block)
        if sum(len(first) for first, *_ in buffer) >= CHUNK_ROWS:
            yield [np.concatenate(columns) for columns in zip(*buffer, strict=True)]
            buffer = []
    if buffer:
        yield [np.concatenate(columns) for columns in zip(*buffer, strict=True)]


def _confirm_pairs(
    first: np.ndarray,
    second: np.ndarray,
    views: np.ndarray,
    lookup: Callable[[np.ndarray], np.ndarray],
    min_similarity: float,
) -> np.ndarray:
    """The proposed pairs that are alike: (n_pairs, 2)."""
    rows, number = np.unique(np.concatenate([first, second]), return_inverse=True)
    first, second = number[: len(first)], number[len(first) :]
    thumbnails, confirmed = lookup(rows), [NO_PAIRS]
    for code in np.unique(views):
        view = "whole" if code == 0 else VIEWS[code - 1]
        moving = transform_view(thumbnails, view)
        left, right = first[views == code], second[views == code]
        promising = _is_promising(moving, thumbnails, left, right, view)
        left, right = left[promising], right[promising]
        threshold = 1 - (1 - min_similarity) * (STRICT_FACTOR if view in UNCROPPED_VIEWS else 1)
        alike = aligned_similarity(moving[left], thumbnails[right], view) >= threshold
        confirmed.append(np.stack([rows[left[alike]], rows[right[alike]]], axis=1))
    return np.concatenate(confirmed)


def _is_promising(
    moving: np.ndarray, fixed: np.ndarray, left: np.ndarray, right: np.ndarray, view: str
) -> np.ndarray:
    """Whether the coarsest gradients of pairs point the same way already: (n_pairs,)."""
    (lefts, left), (rights, right) = (np.unique(rows, return_inverse=True) for rows in (left, right))
    moving, fixed = coarse_gradients(moving[lefts], view), coarse_gradients(fixed[rights], "whole")
    return np.einsum("ij,ij->i", moving[left], fixed[right]) >= MIN_COARSE_COSINE


def _make_lookup(
    uuids: pl.Series, thumbnails_of: Callable[[pl.Series], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """A function of row numbers that returns their thumbnails."""
    if len(uuids) <= MAX_CACHED:
        thumbnails = thumbnails_of(uuids)
        return lambda rows: thumbnails[rows]
    return lambda rows: thumbnails_of(uuids.gather(rows))
