"""Spearman's rank correlation, with interval and p-value."""

import numpy as np
from scipy import stats

from nearkin.claims.evidence import Evidence
from nearkin.evaluation.intervals import LEVEL

MAX_EXACT_N = 7  # 5,040 orders; beyond, the t distribution is near enough


def spearman(x, y):
    """Spearman's correlation (1904) of two arrays with spread and at least four values, as `Evidence`.

    Ties share their mean rank. The interval is Fisher's z with the standard error of Bonett and
    Wright (2000), which suits ranks; a perfect correlation, whose z is infinite, counts there as
    if two neighbours had changed places. The p-value goes through all orders of up to
    `MAX_EXACT_N` values, and else by Student's t (Kendall and Stuart 1979, 31.19).

    >>> found = spearman(np.arange(6), np.array([1, 3, 2, 4, 5, 6]))
    >>> [round(value, 2) for value in found[:4]]
    [0.94, 0.38, 1.0, 0.02]
    """
    n = len(x)
    ranks = stats.rankdata(x), stats.rankdata(y)
    rho = float(np.corrcoef(ranks)[0, 1].clip(-1, 1))
    most = 1 - 12 / (n**3 - n)
    inside = np.clip(rho, -most, most)
    half = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt((1 + inside**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(inside) + [-half, half])
    p_value = _permutation_p_value(*ranks) if n <= MAX_EXACT_N else stats.spearmanr(x, y).pvalue
    return Evidence(rho, min(float(low), rho), max(float(high), rho), float(p_value))


def _permutation_p_value(ranks, others):
    centred = others - others.mean()
    tried = stats.permutation_test(
        (ranks,),
        lambda order, axis: np.sum(order * centred, axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=np.inf,
    )
    return tried.pvalue
