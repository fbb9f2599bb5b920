"""Intervals compared with scipy's and with worked examples."""

import numpy as np
import pytest
from scipy import stats

from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import bootstrap_weights


def test_intervals_of_a_large_stratum_equal_scipys():
    values = (np.random.default_rng(3).random(400) < 0.3).astype(float)
    single_stratum = np.zeros(400, dtype=int)
    weights = np.concatenate(list(bootstrap_weights(single_stratum, bootstrap_samples=9_999, seed=1)))
    low, high = intervals.percentile_interval(weights @ values / 400)
    scipy_interval = stats.bootstrap(
        (values,), np.mean, n_resamples=9_999, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (low, high) == (
        pytest.approx(scipy_interval.low, abs=0.006),
        pytest.approx(scipy_interval.high, abs=0.006),
    )


def test_percentiles_are_numpys_without_undefined_samples():
    samples = np.random.default_rng(1).normal(size=(101, 3))
    samples[::7, 1] = np.nan
    samples[:, 2] = np.nan
    samples[5, 2] = 0.5
    ours = intervals.percentile_interval(samples)
    assert np.allclose(ours, np.nanquantile(samples, [0.025, 0.975], axis=0))


def test_a_share_near_0_or_1_has_wilsons_interval():
    value, ends = np.array([0.98, 0.5, 1.0]), np.array([[0.978, 0.4, 1.0], [0.982, 0.6, 1.0]])
    low, high = intervals.wilson_if_sparse(value, ends, 48)
    assert (low[0], high[0]) == tuple(intervals.wilson(0.98, 48))  # fewer misses than one group
    assert (low[1], high[1]) == (0.4, 0.6)
    assert (low[2], high[2]) == tuple(intervals.wilson(1.0, 48))
    undefined = np.array([np.nan])
    assert np.isnan(
        intervals.wilson_if_sparse(undefined, np.stack([undefined, undefined]), np.array([0]))
    ).all()


def test_margins_of_few_changes_are_symmetric():
    down, up = intervals.newcombe_margins(np.array([3]), np.array([1]), np.array([30]))
    assert intervals.newcombe_margins(np.array([1]), np.array([3]), np.array([30])) == (up, down)


@pytest.mark.parametrize("value", [0.125, 0.875])
@pytest.mark.parametrize(("n_groups", "is_kept"), [(39, False), (40, True), (48, True)])
def test_wilson_replaces_intervals_of_fewer_than_five_groups(value, n_groups, is_kept):
    """40 groups: an eighth of them is exactly five."""
    ends = np.array([[value - 0.01], [value + 0.02]])
    interval = intervals.wilson_if_sparse(np.array([value]), ends, np.array([n_groups]))
    expected = ends if is_kept else intervals.wilson(np.array([value]), np.array([n_groups]))
    assert np.array_equal(interval, expected)


@pytest.mark.filterwarnings("error")
def test_an_interval_of_zero_width_becomes_wilsons():
    value, ends = np.array([0.5]), np.array([[0.5], [0.5]])
    assert np.array_equal(
        intervals.wilson_if_sparse(value, ends, np.array([100])), intervals.wilson(value, np.array([100]))
    )
    assert np.array_equal(intervals.wilson_if_sparse(value, ends, np.array([0])), ends)
    interval = intervals.wilson_if_sparse(np.array([1.0]), np.ones((2, 1)), np.array([1]))
    assert np.array_equal(interval, intervals.wilson(np.array([1.0]), np.array([1])))


def test_wilson_equals_scipy():
    for hit, n in [(0, 3), (2, 7), (5, 5), (40, 90)]:
        scipy_interval = stats.binomtest(hit, n).proportion_ci(method="wilson")
        low, high = intervals.wilson(np.array([hit / n]), np.array([n]))[:, 0]
        assert (low, high) == (
            pytest.approx(scipy_interval.low, abs=1e-9),
            pytest.approx(scipy_interval.high, abs=1e-9),
        )


def test_wilson_intervals_contain_the_share():
    share, n = np.array([0.0, 1.0, 1 / 3]), np.array([7, 49, 3])
    low, high = intervals.wilson(share, n)
    assert (low >= 0).all() and (low <= share).all() and (low[0], high[1]) == (0.0, 1.0)
    assert (high <= 1).all() and (share <= high).all()
    many = np.arange(1, 500)
    for proportion in (0.0, 1.0):
        low, high = intervals.wilson(np.full(499, proportion), many)
        assert (low >= 0).all() and (high <= 1).all() and ((low <= proportion) & (proportion <= high)).all()


def test_margins_of_few_changes_equal_newcombes_method_10():
    """Newcombe's method 10: the root of the summed squares of the distances to both Wilson ends."""
    improved, worsened, n = 6, 2, 20
    (improved_low, worsened_low), (improved_high, worsened_high) = intervals.wilson(
        np.array([improved / n, worsened / n]), np.array([n, n])
    )
    down, up = intervals.newcombe_margins(np.array([improved]), np.array([worsened]), np.array([n]))
    assert down[0] == pytest.approx(((0.3 - improved_low) ** 2 + (worsened_high - 0.1) ** 2) ** 0.5)
    assert up[0] == pytest.approx(((improved_high - 0.3) ** 2 + (0.1 - worsened_low) ** 2) ** 0.5)


def test_the_percentile_interval_holds_the_middle_95_percent():
    low, high = intervals.percentile_interval(np.arange(41.0)[::-1, None])
    assert (low[0], high[0]) == (pytest.approx(1.0), pytest.approx(39.0))
    low, high = intervals.percentile_interval(np.array([[3.0, np.nan], [np.nan, np.nan]]))
    assert (low[0], high[0]) == (3.0, 3.0) and np.isnan([low[1], high[1]]).all()
