"""What hangs together, given pairs of row numbers."""

import numpy as np
from scipy.sparse import coo_array, csgraph

NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def connected_components(pairs, n):
    """For each of `n` rows the number of the component that it is in: (n,)."""
    matrix = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return csgraph.connected_components(matrix, directed=False)[1]


def merge_pair_blocks(blocks, n, *, most):
    """Blocks of pairs in one table, each pair once and in order: (n_pairs, 2).

    Wherever there are more than `most`, only so many are kept that the same rows hang together.

    >>> merge_pair_blocks([[[0, 1]], [[1, 2]], [[0, 2]]], 3, most=2).tolist()
    [[0, 1], [0, 2]]
    """
    found = [NO_PAIRS]
    for block in blocks:
        found.append(np.asarray(block, dtype=np.int64).reshape(-1, 2))
        if sum(map(len, found)) > most:
            found = [_fewest(np.concatenate(found), n)]
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _fewest(pairs, n):
    """Each row of a component paired with the first row of it."""
    component = connected_components(pairs, n)
    first = np.unique(component, return_index=True)[1][component]
    rows = np.flatnonzero(first != np.arange(n))
    return np.stack([first[rows], rows], axis=1)
