"""Whether a difference is beyond chance."""

import math

import numpy as np
from scipy import stats

MAX_EXACT_N = 4000  # changed groups; beyond, the normal approximation differs in no printed digit


def sign_flip(changes: np.ndarray) -> float:
    """Two-sided p-value of a sum of group changes when every group's sign is a coin toss.

    Exact: the distribution of the sum is built by convolution (Fisher 1935, section 21).
    With changes of one image each this is McNemar's exact test. 1.0 when nothing changed.

    >>> sign_flip(np.array([1, 1, 1, 0]))
    0.25
    """
    sizes = np.abs(changes[changes != 0]).astype(int)
    total, observed = int(sizes.sum()), abs(int(changes.sum()))
    if observed == 0:
        return 1.0
    if len(sizes) > MAX_EXACT_N:
        return float(2 * stats.norm.sf((observed - 1) / math.sqrt(float((sizes**2).sum()))))
    probabilities = np.zeros(2 * total + 1)  # of the sums -total .. total
    probabilities[total] = 1
    for size in sizes:
        probabilities = (np.roll(probabilities, size) + np.roll(probabilities, -size)) / 2
    tail = probabilities[total + observed :].sum() + probabilities[: total - observed + 1].sum()
    return float(min(1.0, tail))
