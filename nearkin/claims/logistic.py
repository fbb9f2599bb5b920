"""How the odds of a hit depend on the number of training images: a binomial regression over species."""

import warnings
from typing import Protocol, cast

import numpy as np
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from nearkin.claims.evidence import Evidence
from nearkin.evaluation.intervals import CONFIDENCE

MAX_EXPONENT = 700  # of logarithms whose number a float holds


class BinomialFit(Protocol):
    """The results of a regression that are used here: see `GLMResults` of statsmodels."""

    params: np.ndarray
    bse: np.ndarray
    pearson_chi2: float
    df_resid: float


def odds_per_doubling(hits: np.ndarray, queries: np.ndarray, n_train: np.ndarray) -> Evidence:
    """The factor of the odds of a hit for every doubling of 1 + training images, as `Evidence`.

    Arrays with one value per species, of at least three. A logistic regression of the hits out of
    all queries on log2(1 + n_train). Species differ by more than the chance of their queries, and
    one with ten times the queries does not carry ten times the information: a species weighs
    1 / (1 + phi (queries - 1)) of its queries, where phi makes Pearson's X2 equal to its degrees of
    freedom, 0 if they scatter no more than by chance (after Williams 1982). Student's t with n - 2
    degrees of freedom.

    Where hits and misses do not overlap there is no finite estimate (Albert and Anderson
    1984), and `null_reason` says so.
    """
    size = np.log2(1 + n_train)
    reason = separation_reason(hits, queries, size)
    if reason:
        return Evidence(null_reason=reason)

    def excess(phi: float) -> float:
        fit = _fit_binomial(hits, queries, size, phi)
        return fit.pearson_chi2 - fit.df_resid

    phi = float(excess(0) > 0)
    if phi and excess(1) < 0:
        phi = cast(float, optimize.brentq(excess, 0, 1, xtol=1e-4))
    fit = _fit_binomial(hits, queries, size, phi)
    slope, error = fit.params[1], fit.bse[1] * np.sqrt(max(1, fit.pearson_chi2 / fit.df_resid))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, fit.df_resid) * error
    p_value = 2 * stats.t.sf(abs(slope) / error, fit.df_resid)
    factors = np.exp(np.clip([slope, slope - half, slope + half], -MAX_EXPONENT, MAX_EXPONENT))
    estimate, low, high = factors.tolist()
    return Evidence(estimate, low, high, float(p_value))


def separation_reason(hits: np.ndarray, queries: np.ndarray, size: np.ndarray) -> str | None:
    """Why the slope has no finite estimate; None if it has one.

    >>> separation_reason(np.array([1, 0, 2]), np.array([2, 2, 2]), np.array([0, 1, 2]))
    >>> separation_reason(np.array([0, 0, 2]), np.array([2, 2, 2]), np.array([0, 1, 2]))
    'training size alone parts all hits from all misses'
    """
    hit, missed = size[hits > 0], size[hits < queries]
    if not len(missed):
        return "every query hit"
    if not len(hit):
        return "no query hit"
    if hit.max() <= missed.min() or missed.max() <= hit.min():
        return "training size alone parts all hits from all misses"
    return None


def _fit_binomial(hits: np.ndarray, queries: np.ndarray, size: np.ndarray, phi: float) -> BinomialFit:
    weights = queries / (1 + phi * (queries - 1))
    model = sm.GLM(hits / queries, sm.add_constant(size), family=sm.families.Binomial(), var_weights=weights)
    with warnings.catch_warnings():
        # Separation is excluded already; a perfect fit of species that agree is no problem.
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        return cast(BinomialFit, model.fit(maxiter=100))
