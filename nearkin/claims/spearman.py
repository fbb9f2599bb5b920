"""Spearman's rank correlation, with interval and p-value."""

from typing import cast

import numpy as np
from scipy import stats

from nearkin.claims.evidence import Evidence
from nearkin.evaluation.intervals import CONFIDENCE

MAX_EXACT_N = 7  # 5,040 orders; beyond, the t distribution is near enough


def spearman(x: np.ndarray, y: np.ndarray) -> Evidence:
    """Spearman's correlation (1904) of two arrays with spread and at least four values, as `Evidence`.

    Ties share their mean rank. The interval is Fisher's z with the standard error of Bonett and
    Wright (2000), which suits ranks; a perfect correlation, whose z is infinite, counts there as
    if two neighbours had changed places. The p-value is that of all orders of up to
    `MAX_EXACT_N` values, and of Student's t beyond (Kendall and Stuart 1979, 31.19).

    >>> evidence = spearman(np.arange(6), np.array([1, 3, 2, 4, 5, 6]))
    >>> [round(value, 2) for value in evidence[:4]]
    [0.94, 0.38, 1.0, 0.02]
    """
    n = len(x)
    ranks = stats.rankdata(x), stats.rankdata(y)
    rho = float(np.corrcoef(ranks)[0, 1].clip(-1, 1))
    max_rho = 1 - 12 / (n**3 - n)
    clipped = np.clip(rho, -max_rho, max_rho)
    half = stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt((1 + clipped**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(clipped) + [-half, half])
    p_value = _permutation_p_value(*ranks) if n <= MAX_EXACT_N else cast(float, stats.spearmanr(x, y)[1])
    return Evidence(rho, min(float(low), rho), max(float(high), rho), float(p_value))


def _permutation_p_value(x_ranks: np.ndarray, y_ranks: np.ndarray) -> float:
    """The two-sided p-value of the rank correlation among all orders."""
    centred = y_ranks - y_ranks.mean()
    result = stats.permutation_test(
        (x_ranks,),
        lambda order, axis: np.sum(order * centred, axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=np.inf,  # pyright: ignore[reportArgumentType]  # documented by scipy: all orders
    )
    return cast(float, result.pvalue)
