"""Pairs of images whose embeddings are close: exact, all with all."""

from collections.abc import Iterator

import numpy as np

from nearkin.groups.components import merge_pair_blocks

CHUNK_PRODUCTS = 2**24
"""Products in memory at once."""

ROUNDING = 1e-4
"""Error of a float32 product of unit vectors, at most; this close to the limit it is taken in float64."""

MAX_PAIRS = 2**22
"""Pairs that are kept; of more only as many as connect the same images."""


def cosine_pairs(vectors: np.ndarray, cosine: float) -> np.ndarray:
    """Pairs of row numbers whose unit vectors have at least this cosine: int64, (n_pairs, 2).

    It compares all with all: seconds for 20,000 vectors, an hour for half a million.

    >>> cosine_pairs(np.eye(3, dtype=np.float32)[[0, 1, 0]], 0.9).tolist()
    [[0, 2]]
    """
    return merge_pair_blocks(_iter_pairs(vectors, cosine), len(vectors), max_pairs=MAX_PAIRS)


def _iter_pairs(vectors: np.ndarray, cosine: float) -> Iterator[np.ndarray]:
    step = max(1, CHUNK_PRODUCTS // max(1, len(vectors)))
    for start in range(0, len(vectors), step):
        cosines = vectors[start : start + step] @ vectors[start:].T
        first, second = np.nonzero(np.triu(cosines >= cosine - ROUNDING, 1))
        unsure = cosines[first, second] < cosine + ROUNDING
        exact = vectors[start + first[unsure]].astype(np.float64) * vectors[start + second[unsure]]
        close = ~unsure
        close[unsure] = exact.sum(axis=1) >= cosine
        yield start + np.stack([first, second], axis=1)[close]
