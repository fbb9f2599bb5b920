"""Exact nearest neighbours by cosine.

The similarity of two images is the float64 sum, in index order, of the products of their
stored float32 values. A float32 product proposes candidates; it is wrong by at most
`n u / (1 - n u)` for unit vectors of width n (Higham 2002, eq. 3.5), so everything that
comes within twice that of the last rank is scored again in float64. A query for which that
might not be enough is scored against the whole gallery. So the result does not depend on
blocks, threads or the matrix library.
"""

import logging

import numpy as np
from tqdm import tqdm

logger = logging.getLogger(__name__)

SPARE = 32  # candidates beyond the depth; more would cost time, fewer would fall back more often
BLOCK_BYTES = 64 * 2**20


def nearest(queries, gallery, *, depth, hidden):
    """Yields, for block after block of queries, `(start, indices, similarities)`.

    `queries` is (n_queries, width) and `gallery` (n_gallery, width), float32 of unit length.
    `hidden(start, stop)` gives a boolean (stop - start, n_gallery): whom a query must not
    find, itself and its group mates. `indices` is (block, depth) into the gallery, the
    nearest first, equal ones by index; -1 where the gallery ends before the depth.
    """
    n_gallery, width = gallery.shape
    columns = np.ascontiguousarray(gallery.T)  # (width, n_gallery): sums run along it in index order
    n_candidates = min(n_gallery, depth + SPARE)
    block = max(1, BLOCK_BYTES // (4 * max(n_gallery, 1)))
    n_whole = 0
    for start in tqdm(range(0, len(queries), block), desc="search", unit="block", disable=None):
        part = queries[start : start + block]
        proposed = part @ gallery.T  # (block, n_gallery)
        proposed[hidden(start, start + len(part))] = -np.inf
        candidates = _largest(proposed, n_candidates)  # (block, n_candidates)
        certain = _certain(proposed, candidates, depth, width)
        indices, similarities = _rank(part, columns, candidates, proposed, depth)
        for row in np.flatnonzero(~certain):
            everyone = np.arange(n_gallery)[None]
            rows = slice(row, row + 1)
            indices[rows], similarities[rows] = _rank(part[rows], columns, everyone, proposed[rows], depth)
        n_whole += int((~certain).sum())
        yield start, indices, similarities
    logger.info("%d queries, %d of them scored against the whole gallery", len(queries), n_whole)


def _largest(proposed, n):
    if n == proposed.shape[1]:
        return np.broadcast_to(np.arange(n), (len(proposed), n))
    return np.sort(np.argpartition(-proposed, n - 1, axis=1)[:, :n], axis=1)


def _certain(proposed, candidates, depth, width):
    """Whether no image outside the candidates can belong to the nearest `depth`."""
    n_candidates = candidates.shape[1]
    if n_candidates == proposed.shape[1]:
        return np.ones(len(proposed), dtype=bool)
    among = -np.sort(-np.take_along_axis(proposed, candidates, axis=1), axis=1)
    unit = np.finfo(np.float32).eps / 2
    error = 1.01 * width * unit / (1 - width * unit)  # 1.01: lengths are 1 up to rounding
    last = among[:, depth - 1]
    weakest = among[:, -1]  # whoever is outside was proposed with no more than this
    return np.isneginf(weakest) | (weakest < last - 2 * error)


def _rank(part, columns, candidates, proposed, depth):
    """The nearest `depth` of the candidates, scored in float64."""
    scores = np.zeros(candidates.shape)
    for coordinate, values in zip(part.T.astype(np.float64), columns, strict=True):
        scores += coordinate[:, None] * values[candidates]
    scores[np.isneginf(np.take_along_axis(proposed, candidates, axis=1))] = -np.inf
    order = np.lexsort((candidates, -scores), axis=1)[:, :depth]
    similarities = np.full((len(part), depth), -np.inf)
    indices = np.full((len(part), depth), -1)
    found = order.shape[1]
    similarities[:, :found] = np.take_along_axis(scores, order, axis=1)
    indices[:, :found] = np.take_along_axis(candidates, order, axis=1)
    indices[np.isneginf(similarities)] = -1
    return indices, similarities
