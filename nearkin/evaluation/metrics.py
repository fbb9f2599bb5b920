"""Retrieval metrics of single queries, from the ranks of their relevant neighbours.

A neighbour is relevant if it shares the query's label; R is how many images of that label the
query could find in its gallery. P(i) is the share of relevant ones among the i nearest.
`docs/metrics.md` works an example by hand.

- recall@k (any hit): 1 if any of the k nearest is relevant (Jegou et al. 2011). It is not the
  share of the R images that were found, which is also called recall.
- precision@k: P(k), relevant neighbours among the k nearest divided by k (Manning et al. 2008, 8.4).
- R-precision: P(R) (Manning et al. 2008, 8.4).
- MAP@R: the mean over queries of 1/R times the sum of P(i) over those i = 1 .. R whose
  neighbour is relevant (Musgrave et al. 2020, section 3.2).
- MRR@depth: the mean over queries of 1 / the rank of the first relevant neighbour, 0 if there is
  none within the stored depth (Voorhees 1999).

A query that cannot find any (R = 0) scores 0 in all of them.
"""

from collections.abc import Sequence

import numpy as np


def query_metrics(
    is_relevant: np.ndarray, n_relevant: np.ndarray, *, ks: Sequence[int]
) -> dict[str, np.ndarray]:
    """The scores of queries, a dict of arrays.

    `is_relevant` (n_queries, depth) says which neighbours are relevant, the nearest first; False at a
    rank without a neighbour. `n_relevant` (n_queries,) is R. The arrays are `first_relevant_rank`, int32,
    0 where no neighbour is relevant; `n_relevant_at_k`, int32 (n_queries, n_ks), relevant ones among the
    k nearest; `r_precision` and `average_precision` (that of MAP@R), float64, NaN where R is beyond
    the depth: they would need neighbours that are not stored.

    >>> scores = query_metrics(np.array([[True, False, True]]), np.array([2]), ks=[1, 3])
    >>> {name: values[0].tolist() for name, values in scores.items()}
    {'first_relevant_rank': 1, 'n_relevant_at_k': [1, 2], 'r_precision': 0.5, 'average_precision': 0.5}
    """
    n_queries, depth = is_relevant.shape
    rank = np.arange(1, depth + 1)
    n_up_to_rank = np.cumsum(is_relevant, axis=1, dtype=np.int32)
    first = np.argmax(np.column_stack([is_relevant, np.ones(n_queries, dtype=bool)]), axis=1)
    within = is_relevant & (rank <= n_relevant[:, None])
    divisor = np.where(n_relevant > depth, np.nan, np.maximum(n_relevant, 1))
    return {
        "first_relevant_rank": np.where(first < depth, first + 1, 0).astype(np.int32),
        "n_relevant_at_k": np.column_stack([np.zeros(n_queries, dtype=np.int32), n_up_to_rank])[
            :, np.minimum(ks, depth)
        ],
        "r_precision": within.sum(axis=1) / divisor,
        "average_precision": np.where(within, n_up_to_rank / rank, 0.0).sum(axis=1) / divisor,
    }
