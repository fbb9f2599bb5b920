"""Resampling: weights, their variance, and intervals beside scipy's."""

import numpy as np
import pytest
from scipy import stats

from nearkin import intervals


def weights_of(strata, resamples, seed=1, at_once=2**22):
    drawn = intervals.resampled_weights(np.array(strata), resamples=resamples, seed=seed, at_once=at_once)
    return np.concatenate(list(drawn))


def test_every_stratum_keeps_its_weight_and_a_single_row_never_varies():
    weights = weights_of([0, 1, 1, 2, 2, 2], 500)
    assert weights.shape == (500, 6)
    assert (weights[:, 0] == 1).all()
    assert np.allclose(weights[:, 1:3].sum(axis=1), 2) and np.allclose(weights[:, 3:].sum(axis=1), 3)
    assert set(weights[:, 1]) == {0.0, 2.0}  # one of two is drawn, and stands for both
    assert np.allclose(sorted(set(weights[:, 3])), [0, 1.5, 3])


def test_draws_do_not_depend_on_how_many_are_in_memory():
    strata = [0, 0, 1, 1, 1]
    assert np.array_equal(weights_of(strata, 50), weights_of(strata, 50, at_once=1))


@pytest.mark.parametrize("n", [2, 5, 40])
def test_the_variance_is_that_of_a_mean(n):
    values = np.random.default_rng(n).normal(size=n)
    means = weights_of([0] * n, 20_000) @ values / n
    assert means.mean() == pytest.approx(values.mean(), abs=0.02)
    assert means.var() == pytest.approx(values.var(ddof=1) / n, rel=0.05)


def test_intervals_are_scipys_where_a_stratum_is_large():
    values = (np.random.default_rng(3).random(400) < 0.3).astype(float)
    low, high = intervals.percentile_interval(weights_of([0] * 400, 9_999) @ values / 400)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=9_999, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (low, high) == (pytest.approx(theirs.low, abs=0.006), pytest.approx(theirs.high, abs=0.006))


def test_percentiles_are_numpys_without_what_was_not_drawn():
    samples = np.random.default_rng(1).normal(size=(101, 3))
    samples[::7, 1] = np.nan
    samples[:, 2] = np.nan
    samples[5, 2] = 0.5
    ours = intervals.percentile_interval(samples)
    assert np.allclose(ours, np.nanquantile(samples, [0.025, 0.975], axis=0))


def test_near_its_ends_a_share_has_wilsons_interval():
    value, ends = np.array([0.98, 0.5, 1.0]), np.array([[0.978, 0.4, 1.0], [0.982, 0.6, 1.0]])
    low, high = intervals.widened(value, ends, 48)
    assert (low[0], high[0]) == tuple(intervals.wilson(0.98, 48))  # not even one group's worth misses
    assert (low[1], high[1]) == (0.4, 0.6)
    assert (low[2], high[2]) == tuple(intervals.wilson(1.0, 48))
    nothing = np.array([np.nan])
    assert np.isnan(intervals.widened(nothing, np.stack([nothing, nothing]), np.array([0]))).all()


def test_few_changes_mirror():
    down, up = intervals.of_few_changes(np.array([3]), np.array([1]), np.array([30]))
    assert intervals.of_few_changes(np.array([1]), np.array([3]), np.array([30])) == (up, down)
