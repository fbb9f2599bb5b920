"""The typical change of many labels: Wilcoxon's signed-rank test and its estimate."""

from typing import cast

import numpy as np
from scipy import stats

from nearkin.claims.evidence import Evidence
from nearkin.evaluation.intervals import CONFIDENCE

MAX_EXACT_N = 200  # beyond, the normal approximation gives the same ranks
DECIMALS = 9  # means of fractions that are equal differ in their last bits


def hodges_lehmann(changes: np.ndarray) -> Evidence:
    """The Hodges-Lehmann estimate of at least six changes, as `Evidence`.

    It is the median of the means of all pairs of changes, each paired with itself too: by how
    much a typical label changed (Hodges and Lehmann 1963). The interval is that of the
    signed-rank test (Hollander, Wolfe and Chicken 2014, 3.3), which ties make wider, never narrower.
    p is Wilcoxon's (1945), exact up to 50 changes without ties or zeros and up to 13 with; zeros
    are ranked, then left out (Pratt 1959).

    >>> hodges_lehmann(np.array([1, 2, 3, 4, 5, 6]))
    Evidence(estimate=3.5, ci_low=1.0, ci_high=6.0, p_value=0.03125, null_reason=None)
    """
    ordered = np.sort(np.round(changes, DECIMALS))
    n = len(ordered)
    n_pairs = n * (n + 1) // 2
    rank = _find_lower_rank(n)
    middle = [walsh_average(ordered, each) for each in ((n_pairs + 1) // 2, n_pairs // 2 + 1)]
    low, high = (walsh_average(ordered, each) for each in (rank, n_pairs + 1 - rank))
    p_value = cast(float, stats.wilcoxon(ordered, zero_method="pratt")[1]) if ordered.any() else 1.0
    return Evidence(sum(middle) / 2, low, high, float(p_value))


def walsh_average(ordered: np.ndarray, rank: int) -> float:
    """The `rank`-th smallest (from 1) mean of two of the `ordered` values, i <= j, rounded.

    Found by bisection, so that a million values need no table of all pairs.

    >>> [walsh_average(np.array([0.0, 2.0, 6.0]), rank) for rank in (1, 2, 3, 4, 5, 6)]
    [0.0, 1.0, 2.0, 3.0, 4.0, 6.0]
    """
    low, high = 2 * ordered[0], 2 * ordered[-1]
    for _ in range(64):
        middle = (low + high) / 2
        n_ordered_pairs = np.searchsorted(ordered, middle - ordered, side="right").sum()
        n_pairs = (n_ordered_pairs + np.count_nonzero(2 * ordered <= middle)) // 2
        low, high = (low, middle) if n_pairs >= rank else (middle, high)
    return float(np.round(high / 2, DECIMALS) + 0.0)  # no negative zero


def _find_lower_rank(n: int) -> int:
    """The rank of the mean that is the lower end: how many rank sums have a tail within 2.5 %."""
    tail = (1 - CONFIDENCE) / 2
    if n > MAX_EXACT_N:
        spread = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return int(n * (n + 1) / 4 - stats.norm.ppf(1 - tail) * spread)
    probabilities = np.ones(1)  # of each sum of the ranks of increases
    for rank in range(1, n + 1):
        probabilities = (np.pad(probabilities, (0, rank)) + np.pad(probabilities, (rank, 0))) / 2
    return int(np.searchsorted(probabilities.cumsum(), tail, side="right"))
