"""Differences of single labels drawn towards their mean, the more the less is known of each.

Empirical Bayes in the normal model (Efron and Morris 1975): true differences scatter around a
mean with variance t, and a label's observed one around its own with variance v. The estimate is
mean + t / (t + v) * (observed - mean), with t by moments (DerSimonian and Laird 1986).
"""

import numpy as np


def shrink(differences, variances):
    """The estimates, of the shape of both arguments (n,).

    Where no difference is uncertain, or there is only one, they are the differences.

    >>> shrink(np.array([0.0, 10.0]), np.array([25.0, 25.0])).tolist()
    [2.5, 7.5]
    """
    if len(differences) < 2 or not (variances > 0).all():
        return differences
    scatter = _scatter(differences, variances)
    mean = np.average(differences, weights=1 / (scatter + variances))
    return mean + scatter / (scatter + variances) * (differences - mean)


def _scatter(differences, variances):
    """The variance of the true differences; 0 where they scatter no more than chance would have it."""
    weights = 1 / variances
    mean = np.average(differences, weights=weights)
    excess = (weights * (differences - mean) ** 2).sum() - (len(differences) - 1)
    return max(0.0, excess / (weights.sum() - (weights**2).sum() / weights.sum()))
