"""Correlation, odds and typical change compared with examples, references and simulated truth."""

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special, stats

from nearkin.claims import hodges_lehmann, logistic, spearman

pytestmark = pytest.mark.filterwarnings("error")


def test_spearman_of_many_equals_scipy():
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 30, 60), rng.integers(0, 5, 60)  # ties in both
    correlation, expected = spearman.spearman(x, y), stats.spearmanr(x, y)
    assert (correlation.estimate, correlation.p_value) == (pytest.approx(expected.statistic), expected.pvalue)
    assert correlation.ci_low < correlation.estimate < correlation.ci_high


def test_the_p_value_of_few_uses_all_permutations():
    x, y = np.array([1, 2, 2, 4, 5, 6]), np.array([2, 1, 3, 3, 6, 5])
    correlation = spearman.spearman(x, y)
    permuted = [stats.spearmanr(order, y).statistic for order in itertools.permutations(x)]
    tails = [np.mean(sign * np.array(permuted) >= sign * correlation.estimate - 1e-9) for sign in (1, -1)]
    assert correlation.p_value == pytest.approx(2 * min(tails))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_correlation_has_an_interval(sign):
    correlation = spearman.spearman(np.arange(7), sign * np.arange(7))
    assert correlation.estimate == pytest.approx(sign)
    assert correlation.p_value == pytest.approx(2 / 5040)
    inner, outer = sorted([correlation.ci_low, correlation.ci_high], key=abs)
    assert 0.3 < inner * sign < 0.9 and outer == pytest.approx(sign)


def test_the_interval_of_a_correlation_covers_the_truth():
    rng, truth, n_samples = np.random.default_rng(2), 0.5, 1000
    expected = 6 / np.pi * np.arcsin(truth / 2)  # of two normal variables (Pearson 1907)
    n_covered = 0
    for _ in range(n_samples):
        x = rng.normal(size=40)
        correlation = spearman.spearman(x, truth * x + np.sqrt(1 - truth**2) * rng.normal(size=40))
        n_covered += correlation.ci_low <= expected <= correlation.ci_high
    assert 0.93 < n_covered / n_samples < 0.97


def simulate_species(rng, slope, *, n=60, min_queries=2, precision=4):
    """Hits, queries and training images of species that differ beyond the chance of their queries."""
    n_train, queries = rng.geometric(0.05, n), np.clip(rng.geometric(0.1, n), min_queries, 60)
    expected_recall = special.expit(-1 + slope * (np.log2(1 + n_train) - 4))
    recall_of_species = rng.beta(precision * expected_recall, precision * (1 - expected_recall))
    return rng.binomial(queries, recall_of_species), queries, n_train


def test_odds_equal_those_of_a_two_by_two_table():
    """Without training images 10 of 40 hit, odds 1/3; with one, which is a doubling, 20 of 40, odds 1."""
    hits, queries, n_train = np.array([5, 5, 10, 10]), np.full(4, 20), np.array([0, 0, 1, 1])
    odds = logistic.odds_per_doubling(hits, queries, n_train)
    assert odds.estimate == pytest.approx(3)
    error = np.sqrt(1 / 10 + 1 / 30 + 1 / 20 + 1 / 20)  # of the log odds ratio (Woolf 1955)
    assert np.log(odds.ci_low) == pytest.approx(np.log(3) - stats.t.ppf(0.975, 2) * error)
    assert odds.p_value == pytest.approx(2 * stats.t.sf(np.log(3) / error, 2))


@pytest.mark.parametrize("precision", [4, 1e9])
def test_equal_query_counts_give_the_errors_of_statsmodels(precision):
    """With and without overdispersion: without it, binomial errors are not reduced."""
    hits, queries, n_train = simulate_species(
        np.random.default_rng(3), 0.3, min_queries=60, precision=precision
    )
    size = sm.add_constant(np.log2(1 + n_train))
    model = sm.GLM(np.column_stack([hits, queries - hits]), size, family=sm.families.Binomial())
    expected = queries * model.fit().mu
    scale = np.sum((hits - expected) ** 2 / (expected * (1 - expected / queries))) / 58  # Pearson's X2
    expected = model.fit(scale=max(1, scale), use_t=True)
    odds = logistic.odds_per_doubling(hits, queries, n_train)
    assert (scale > 1) == (precision == 4)
    assert odds.p_value == pytest.approx(expected.pvalues[1], rel=1e-2)
    assert (odds.ci_low, odds.ci_high) == pytest.approx(tuple(np.exp(expected.conf_int()[1])), rel=1e-3)


@pytest.mark.parametrize("slope", [0, 0.3])
def test_the_interval_of_the_odds_covers_the_truth(slope):
    rng, n_samples = np.random.default_rng(4), 200
    odds = [logistic.odds_per_doubling(*simulate_species(rng, slope)) for _ in range(n_samples)]
    assert 0.92 < np.mean([estimate.ci_low <= np.exp(slope) <= estimate.ci_high for estimate in odds]) < 0.99


@pytest.mark.parametrize(
    ("hits", "reason"),
    [
        ([3, 3, 3, 3], "every query hit"),
        ([0, 0, 0, 0], "no query hit"),
        ([0, 0, 2, 3], "training size alone"),
    ],
)
def test_no_odds_without_hits_misses_and_overlap(hits, reason):
    odds = logistic.odds_per_doubling(np.array(hits), np.full(4, 3), np.array([0, 1, 2, 3]))
    assert odds.null_reason.startswith(reason) and odds.estimate is None


def test_walsh_averages_equal_those_of_all_pairs():
    rng = np.random.default_rng(6)
    for n in (1, 2, 7, 30):
        values = np.sort(rng.integers(-5, 6, n) / 7)
        pairs = sorted((values[i] + values[j]) / 2 for i in range(n) for j in range(i, n))
        averages = [hodges_lehmann.walsh_average(values, rank) for rank in range(1, len(pairs) + 1)]
        assert averages == pytest.approx(pairs, abs=1e-8)


def test_the_interval_holds_shifts_the_signed_rank_test_accepts():
    changes = np.random.default_rng(7).normal(0.4, 1, 15)
    estimate = hodges_lehmann.hodges_lehmann(changes)
    shifts = np.linspace(-1, 2, 601)
    accepted = [shift for shift in shifts if stats.wilcoxon(changes - shift).pvalue >= 0.05]
    assert (estimate.ci_low, estimate.ci_high) == pytest.approx((min(accepted), max(accepted)), abs=0.01)


def test_lower_ranks_are_near_their_approximation():
    for n in (60, 130, 200):
        approximate = n * (n + 1) / 4 - 1.96 * np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        assert hodges_lehmann._find_lower_rank(n) == pytest.approx(approximate, rel=0.01)


def test_p_values_of_few_changes_with_ties_are_exact():
    changes = np.array([0, 0, 0, 10, 10, 20, 30, -10, 50])
    signed = (np.sign(changes) * stats.rankdata(abs(changes)))[changes != 0]
    flipped = [np.dot(signs, signed) for signs in itertools.product([1, -1], repeat=len(signed))]
    expected = np.mean(np.abs(flipped) >= abs(signed.sum()) - 1e-9)
    assert hodges_lehmann.hodges_lehmann(changes).p_value == pytest.approx(expected)


def test_zero_changes_have_p_value_1():
    assert hodges_lehmann.hodges_lehmann(np.zeros(8))[:4] == (0, 0, 0, 1)


def test_the_interval_of_the_typical_change_covers_the_truth():
    rng, n_samples = np.random.default_rng(8), 300
    estimates = [hodges_lehmann.hodges_lehmann(rng.normal(1, 3, 25)) for _ in range(n_samples)]
    assert 0.92 < np.mean([estimate.ci_low <= 1 <= estimate.ci_high for estimate in estimates]) < 0.98
