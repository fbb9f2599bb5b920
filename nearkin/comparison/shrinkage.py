"""Differences of single labels shrunk towards their mean, the more the less certain each is.

Empirical Bayes in the normal model (Efron and Morris 1975): true differences scatter around a
mean with variance t, and a label's observed one around its own with variance v. The estimate is
mean + t / (t + v) * (observed - mean), with t by moments (DerSimonian and Laird 1986).
"""

import numpy as np


def shrink(differences: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """The estimates, of the shape of both arguments (n,).

    They are the differences themselves if one of them is certain, or there is only one.

    >>> shrink(np.array([0.0, 10.0]), np.array([25.0, 25.0])).tolist()
    [2.5, 7.5]
    """
    if len(differences) < 2 or not (variances > 0).all():
        return differences
    scatter = _estimate_scatter(differences, variances)
    mean = np.average(differences, weights=1 / (scatter + variances))
    return mean + scatter / (scatter + variances) * (differences - mean)


def _estimate_scatter(differences: np.ndarray, variances: np.ndarray) -> float:
    """The variance of the true differences; 0 where they scatter no more than by chance."""
    weights = 1 / variances
    mean = np.average(differences, weights=weights)
    excess = (weights * (differences - mean) ** 2).sum() - (len(differences) - 1)
    return max(0.0, excess / (weights.sum() - (weights**2).sum() / weights.sum()))
