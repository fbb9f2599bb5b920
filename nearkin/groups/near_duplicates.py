"""Pairs of images that look the same: hashes propose them, their thumbnails decide."""

import logging
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
"""Cosine of the roughest slopes from which it is tried to lay one image over the other."""

STRICT_FACTOR = 0.5
"""Mirrored and turned copies are not cropped besides: they may lack only this share of what others may."""

MAX_BUCKET = 1000
"""Images that may share a hash before it is too common to propose anything."""

MAX_CACHED = 250_000
"""Images of which all thumbnails are kept in memory (256 MB)."""

CHUNK_ROWS = 2**18
"""Pairs that are looked at in one go."""

MAX_PAIRS = 2**22
"""Pairs that are kept; of more only so many as connect the same images."""

WARN_SECONDS = 600
"""Seconds from which the search is announced with a warning."""


class HashBuckets(NamedTuple):
    """Rows in the order of their hashes: those of `hashes[i]` are `count[i]`, from `first[i]` on."""

    hashes: np.ndarray
    first: np.ndarray
    count: np.ndarray
    rows: np.ndarray


def near_duplicate_pairs(uuids, hashes, thumbnails_of, *, max_hamming, min_similarity, detect_transformed):
    """Pairs of row numbers, first before second, that look the same: int64, (n_pairs, 2).

    `hashes` are those of the images and of their views (see `hashes_of`); `thumbnails_of` gives
    the thumbnails of some uuids, uint8, (n, side, side). A pair is proposed if the 8 x 8 hash
    of one image, or with `detect_transformed` of a view of it (cropped, mirrored, turned), is within
    `max_hamming` of 64 bits of the other's. It is taken if their `likeness` is at least
    `min_similarity`, and more for mirrored and turned ones. Blank images look like nothing.

    Images with all hashes the same are compared with the first of them only. A hash that more
    than CROWDED images share proposes nothing, which is logged. Of more than MOST_PAIRS pairs
    only so many are kept as connect the same images.
    """
    lookup = _lookup(uuids, thumbnails_of)
    proposed = _batches(_proposed(hashes, max_hamming, detect_transformed))
    alike = (_confirmed(*batch, lookup, min_similarity) for batch in proposed)
    return merge_pair_blocks(alike, len(uuids), most=MAX_PAIRS)


def hashes_of(inspection):
    """The hashes of images and of their views as numbers: uint64, (n, 1 + number of views)."""
    whole = inspection["dhash"].str.to_integer(base=16, dtype=pl.UInt64).to_numpy()
    return np.column_stack([whole, inspection["dhash_of_views"].to_numpy().reshape(-1, len(VIEWS))])


def _proposed(hashes, max_hamming, detect_transformed):
    """Yields rows that may show what others show, these, and as what view; 0 is whole."""
    leader = _leaders(hashes)
    led = np.flatnonzero(leader != np.arange(len(leader)))
    yield leader[led], led, np.zeros(len(led), dtype=np.int64)
    rows = np.flatnonzero(leader == np.arange(len(leader)))
    whole = _by_hash(hashes[rows, 0], rows)
    n_views = hashes.shape[1] if detect_transformed else 1
    _announce(len(rows), len(whole.rows), n_views, max_hamming)
    for view in range(n_views):
        table = _by_hash(hashes[rows, view], rows)
        for query, found in hamming.close_pairs(table.hashes, whole.hashes, max_hamming):
            for first, second in _rows_of(table, query, whole, found):
                new = (first < second) if view == 0 else (first != second)
                yield first[new], second[new], np.full(new.sum(), view)


def _announce(n, n_searched, n_views, max_hamming):
    if n > n_searched:
        logger.warning(
            "%d images have a hash that more than %d share: not compared", n - n_searched, MAX_BUCKET
        )
    seconds = n_views * hamming.plan(n, n_searched, max_hamming).seconds
    if seconds > WARN_SECONDS:
        logger.warning(
            "comparing %d images within %d bits takes about %d minutes on two cores; a smaller "
            "max_hamming takes less, and so does detect_transformed: false", n, max_hamming, seconds / 60,
        )  # fmt: skip


def _leaders(hashes):
    """For each row the first one with all hashes the same: (n,)."""
    _, place, count = np.unique(hashes[:, 0], return_inverse=True, return_counts=True)
    leader = np.arange(len(hashes))
    shared = np.flatnonzero(count[place] > 1)
    _, first, place = np.unique(hashes[shared], axis=0, return_index=True, return_inverse=True)
    leader[shared] = shared[first][place]
    return leader


def _by_hash(hashes, rows):
    """Rows by their hash, without those whose hash more than CROWDED share."""
    rows = rows[np.argsort(hashes, kind="stable")]
    distinct, count = np.unique(hashes, return_counts=True)
    common = count > MAX_BUCKET
    rows, distinct, count = rows[np.repeat(~common, count)], distinct[~common], count[~common]
    return HashBuckets(distinct, np.cumsum(count) - count, count, rows)


def _rows_of(one, i, other, j):
    """Yields blocks of all rows of the hashes `i` of one table with all of the hashes `j` of the other."""
    n_other = other.count[j]
    n_pairs = one.count[i] * n_other
    for pair, place in hamming.ragged_product(np.arange(len(i)), np.zeros_like(n_pairs), n_pairs):
        first = one.rows[one.first[i[pair]] + place // n_other[pair]]
        second = other.rows[other.first[j[pair]] + place % n_other[pair]]
        yield first, second


def _batches(blocks):
    """The same rows in blocks of about CHUNK_ROWS."""
    waiting = []
    for block in blocks:
        waiting.append(block)
        if sum(len(first) for first, *_ in waiting) >= CHUNK_ROWS:
            yield [np.concatenate(columns) for columns in zip(*waiting, strict=True)]
            waiting = []
    if waiting:
        yield [np.concatenate(columns) for columns in zip(*waiting, strict=True)]


def _confirmed(first, second, views, lookup, min_similarity):
    """The proposed pairs that are alike: (n_pairs, 2)."""
    rows, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    first, second = place[: len(first)], place[len(first) :]
    thumbnails, found = lookup(rows), [NO_PAIRS]
    for number in np.unique(views):
        view = "whole" if number == 0 else VIEWS[number - 1]
        moving = transform_view(thumbnails, view)
        left, right = first[views == number], second[views == number]
        promising = _promising(moving, thumbnails, left, right, view)
        left, right = left[promising], right[promising]
        least = 1 - (1 - min_similarity) * (STRICT_FACTOR if view in UNCROPPED_VIEWS else 1)
        alike = aligned_similarity(moving[left], thumbnails[right], view) >= least
        found.append(np.stack([rows[left[alike]], rows[right[alike]]], axis=1))
    return np.concatenate(found)


def _promising(moving, fixed, left, right, view):
    """Whether the roughest slopes of pairs point the same way already."""
    (lefts, left), (rights, right) = (np.unique(rows, return_inverse=True) for rows in (left, right))
    moving, fixed = coarse_gradients(moving[lefts], view), coarse_gradients(fixed[rights], "whole")
    return np.einsum("ij,ij->i", moving[left], fixed[right]) >= MIN_COARSE_COSINE


def _lookup(uuids, thumbnails_of):
    """A function of row numbers that gives their thumbnails."""
    if len(uuids) <= MAX_CACHED:
        everything = thumbnails_of(uuids)
        return lambda rows: everything[rows]
    return lambda rows: thumbnails_of(uuids.gather(rows))
