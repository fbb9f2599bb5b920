"""Shrinkage to the mean: by hand, at both extremes, and with smaller errors than raw differences."""

import numpy as np
import pytest

from nearkin.comparison.shrinkage import shrink


def test_estimates_equal_those_by_hand():
    # Mean 5, scatter by moments: (50 / 10 - 1) / (2 / 10 - 0.02 / 0.2) = 40, so 40 / 50 of it remains.
    assert shrink(np.array([0.0, 10.0]), np.array([10.0, 10.0])) == pytest.approx([1.0, 9.0])


def test_differences_within_chance_become_their_mean():
    estimates = shrink(np.array([1.0, 3.0, 2.0]), np.array([9.0, 9.0, 9.0]))
    assert estimates == pytest.approx([2.0, 2.0, 2.0])


def test_larger_variances_shrink_more():
    estimates = shrink(np.array([0.0, 0.0, 30.0, 30.0]), np.array([1.0, 50.0, 1.0, 50.0]))
    assert 0 < estimates[0] < estimates[1] < estimates[3] < estimates[2] < 30


@pytest.mark.parametrize("differences", [[7.0], [3.0, 4.0]])
def test_single_or_certain_differences_stay(differences):
    assert shrink(np.array(differences), np.zeros(len(differences))).tolist() == differences


def test_errors_are_smaller_than_those_of_raw_differences():
    rng = np.random.default_rng(1)
    truth = rng.normal(5, 6, 400)
    variances = rng.choice([1.0, 25.0, 200.0], 400)
    raw = truth + rng.normal(0, np.sqrt(variances))
    estimates = shrink(raw, variances)
    assert np.mean((estimates - truth) ** 2) < 0.5 * np.mean((raw - truth) ** 2)


def test_unequal_variances_equal_those_by_hand():
    # Mean 2, scatter (2 - 1) / (0.125 - 0.085) = 25; with it the mean is 3.5, and 25 / 35 and 25 / 65 remain.
    assert shrink(np.array([0.0, 10.0]), np.array([10.0, 40.0])) == pytest.approx([1.0, 6.0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("differences", "variances"), [([7.0], [4.0]), ([3.0, 4.0], [0.0, 10.0])])
def test_a_single_or_a_certain_label_changes_nothing(differences, variances):
    assert shrink(np.array(differences), np.array(variances)).tolist() == differences
