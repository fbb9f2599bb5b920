"""Species recall@1 on the validation split: what decides which epoch is kept."""

import numpy as np

QUERY_ROWS = 1024


def is_reachable(species: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Which images have another image of their species outside their own group: bool (n,).

    >>> is_reachable(np.array([1, 1, 2, 2, 3]), np.array([1, 2, 3, 3, 4]))
    array([ True,  True, False, False, False])
    """
    pairs = np.unique(np.stack([species, groups], axis=1), axis=0)
    several = [kind for kind, n in zip(*np.unique(pairs[:, 0], return_counts=True), strict=True) if n > 1]
    return np.isin(species, several)


def recall_at_1(vectors: np.ndarray, species: np.ndarray, groups: np.ndarray) -> float | None:
    """The share of reachable images whose nearest neighbour has their species; None if there are none.

    Leave-one-out among the unit vectors (n, width), without images of the query's own group.
    `species` and `groups` are integers. Of equally near images the first counts.
    """
    queries = np.flatnonzero(is_reachable(species, groups))
    if not len(queries):
        return None
    n_hits = 0
    for start in range(0, len(queries), QUERY_ROWS):
        rows = queries[start : start + QUERY_ROWS]
        similarities = vectors[rows] @ vectors.T
        similarities[groups[rows][:, None] == groups[None]] = -np.inf
        n_hits += int((species[similarities.argmax(axis=1)] == species[rows]).sum())
    return n_hits / len(queries)
