"""Estimates drawn towards their mean: by hand, at both ends, and better than raw where truth is known."""

import numpy as np
import pytest

from nearkin.comparison.shrinkage import shrink


def test_by_hand():
    # Mean 5, scatter by moments: (50 / 10 - 1) / (2 / 10 - 0.02 / 0.2) = 40, so 40 / 50 of the way remains.
    assert shrink(np.array([0.0, 10.0]), np.array([10.0, 10.0])) == pytest.approx([1.0, 9.0])


def test_what_scatters_as_chance_would_have_it_is_one_number():
    found = shrink(np.array([1.0, 3.0, 2.0]), np.array([9.0, 9.0, 9.0]))
    assert found == pytest.approx([2.0, 2.0, 2.0])


def test_the_less_is_known_the_more_it_moves():
    found = shrink(np.array([0.0, 0.0, 30.0, 30.0]), np.array([1.0, 50.0, 1.0, 50.0]))
    assert 0 < found[0] < found[1] < found[3] < found[2] < 30


@pytest.mark.parametrize("differences", [[7.0], [3.0, 4.0]])
def test_without_uncertainty_or_others_nothing_moves(differences):
    assert shrink(np.array(differences), np.zeros(len(differences))).tolist() == differences


def test_errors_are_smaller_than_those_of_raw_differences():
    rng = np.random.default_rng(1)
    truth = rng.normal(5, 6, 400)
    variances = rng.choice([1.0, 25.0, 200.0], 400)
    raw = truth + rng.normal(0, np.sqrt(variances))
    drawn = shrink(raw, variances)
    assert np.mean((drawn - truth) ** 2) < 0.5 * np.mean((raw - truth) ** 2)


def test_by_hand_with_unequal_variances():
    # Mean 2, scatter (2 - 1) / (0.125 - 0.085) = 25; with it the mean is 3.5, and 25 / 35 and 25 / 65 remain.
    assert shrink(np.array([0.0, 10.0]), np.array([10.0, 40.0])) == pytest.approx([1.0, 6.0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("differences", "variances"), [([7.0], [4.0]), ([3.0, 4.0], [0.0, 10.0])])
def test_one_alone_or_one_that_is_certain_leaves_all_as_they_are(differences, variances):
    assert shrink(np.array(differences), np.array(variances)).tolist() == differences
