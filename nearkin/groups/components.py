"""Connected components of pairs of row numbers."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array, csgraph

NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def connected_components(pairs: np.ndarray, n: int) -> np.ndarray:
    """The number of the component of each of `n` rows: (n,)."""
    matrix = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return csgraph.connected_components(matrix, directed=False)[1]


def merge_pair_blocks(blocks: Iterable[ArrayLike], n: int, *, max_pairs: int) -> np.ndarray:
    """Blocks of pairs in one table, each pair once and in order: (n_pairs, 2).

    As soon as there are more than `max_pairs`, only as many stay as connect the same rows.

    >>> merge_pair_blocks([[[0, 1]], [[1, 2]], [[0, 2]]], 3, max_pairs=2).tolist()
    [[0, 1], [0, 2]]
    """
    parts = [NO_PAIRS]
    for block in blocks:
        parts.append(np.asarray(block, dtype=np.int64).reshape(-1, 2))
        if sum(map(len, parts)) > max_pairs:
            parts = [_link_to_first(np.concatenate(parts), n)]
    return np.unique(np.sort(np.concatenate(parts), axis=1), axis=0)


def _link_to_first(pairs: np.ndarray, n: int) -> np.ndarray:
    """Each row of a component paired with the first row of it."""
    component = connected_components(pairs, n)
    first = np.unique(component, return_index=True)[1][component]
    rows = np.flatnonzero(first != np.arange(n))
    return np.stack([first[rows], rows], axis=1)
