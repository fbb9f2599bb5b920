"""The sign-flip test compared with all flips and with McNemar's test."""

import itertools

import numpy as np
import pytest
from scipy import stats

from nearkin.evaluation import significance


def test_sign_flip_equals_the_count_of_all_flips():
    rng = np.random.default_rng(1)
    for _ in range(20):
        changes = rng.integers(-3, 4, size=9)
        sums = [abs(np.dot(signs, changes)) for signs in itertools.product([1, -1], repeat=9)]
        expected = np.mean(np.array(sums) >= abs(changes.sum()))
        assert significance.sign_flip(changes) == pytest.approx(expected)


def test_sign_flip_of_single_images_is_mcnemars_exact_test():
    for worse, better in [(0, 5), (3, 9), (7, 7), (40, 55)]:
        changes = np.array([-1] * worse + [1] * better + [0] * 10)
        expected = stats.binomtest(better, worse + better).pvalue
        assert significance.sign_flip(changes) == pytest.approx(expected)


def test_large_samples_approximate_the_exact_test(monkeypatch):
    changes = np.array([-1] * 900 + [1] * 1000)
    exact = significance.sign_flip(changes)
    monkeypatch.setattr(significance, "MAX_EXACT_N", 10)
    assert significance.sign_flip(changes) == pytest.approx(exact, rel=0.01)


def test_up_to_4000_changes_are_tested_exactly():
    changes = np.array([1] * 2050 + [-1] * 1950)
    assert significance.sign_flip(changes) == pytest.approx(stats.binomtest(2050, 4000).pvalue, rel=1e-9)
    more = np.append(changes, 1)
    assert significance.sign_flip(more) == pytest.approx(2 * stats.norm.sf(100 / 4001**0.5), rel=1e-12)


def test_the_approximation_weights_groups_by_their_squares(monkeypatch):
    monkeypatch.setattr(significance, "MAX_EXACT_N", 3)
    changes = np.array([3, -1, 2, 2, 0])
    assert significance.sign_flip(changes) == pytest.approx(2 * stats.norm.sf(5 / 18**0.5), rel=1e-12)
    assert significance.sign_flip(np.array([1, -1, 2, 0, 0])) == 0.75
    assert significance.sign_flip(np.array([1, -1, 2, -2, 0])) == 1.0


def test_a_p_value_is_never_above_one():
    changes = np.array(
        [1] + [1, -1] * 34
    )  # every sum is at least this far from 0; rounding adds to more than 1
    assert significance.sign_flip(changes) == 1.0
