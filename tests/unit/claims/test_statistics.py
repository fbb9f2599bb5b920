"""Correlation, odds and typical change against worked examples, plain references and simulated truth."""

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special, stats

from nearkin.claims import hodges_lehmann, logistic, spearman

pytestmark = pytest.mark.filterwarnings("error")


def test_spearman_of_many_is_scipys():
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 30, 60), rng.integers(0, 5, 60)  # ties in both
    found, expected = spearman.spearman(x, y), stats.spearmanr(x, y)
    assert (found.estimate, found.p_value) == (pytest.approx(expected.statistic), expected.pvalue)
    assert found.ci_low < found.estimate < found.ci_high


def test_the_p_value_of_few_counts_all_orders():
    x, y = np.array([1, 2, 2, 4, 5, 6]), np.array([2, 1, 3, 3, 6, 5])
    found = spearman.spearman(x, y)
    others = [stats.spearmanr(order, y).statistic for order in itertools.permutations(x)]
    tails = [np.mean(sign * np.array(others) >= sign * found.estimate - 1e-9) for sign in (1, -1)]
    assert found.p_value == pytest.approx(2 * min(tails))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_correlation_has_an_interval_all_the_same(sign):
    found = spearman.spearman(np.arange(7), sign * np.arange(7))
    assert found.estimate == pytest.approx(sign)
    assert found.p_value == pytest.approx(2 / 5040)
    inner, outer = sorted([found.ci_low, found.ci_high], key=abs)
    assert 0.3 < inner * sign < 0.9 and outer == pytest.approx(sign)


def test_the_interval_of_a_correlation_covers_the_truth():
    rng, truth, n_drawn = np.random.default_rng(2), 0.5, 1000
    expected = 6 / np.pi * np.arcsin(truth / 2)  # of two normal variables (Pearson 1907)
    covered = 0
    for _ in range(n_drawn):
        x = rng.normal(size=40)
        found = spearman.spearman(x, truth * x + np.sqrt(1 - truth**2) * rng.normal(size=40))
        covered += found.ci_low <= expected <= found.ci_high
    assert 0.93 < covered / n_drawn < 0.97


def species(rng, slope, *, n=60, fewest=2, precision=4):
    """Hits, queries and training images of species that differ beyond the chance of their queries."""
    n_train, queries = rng.geometric(0.05, n), np.clip(rng.geometric(0.1, n), fewest, 60)
    chance = special.expit(-1 + slope * (np.log2(1 + n_train) - 4))
    own = rng.beta(precision * chance, precision * (1 - chance))
    return rng.binomial(queries, own), queries, n_train


def test_the_odds_are_those_of_two_by_two():
    """Without training images 10 of 40 hit, odds 1/3; with one, which is a doubling, 20 of 40, odds 1."""
    hits, queries, n_train = np.array([5, 5, 10, 10]), np.full(4, 20), np.array([0, 0, 1, 1])
    found = logistic.odds_per_doubling(hits, queries, n_train)
    assert found.estimate == pytest.approx(3)
    error = np.sqrt(1 / 10 + 1 / 30 + 1 / 20 + 1 / 20)  # of the log odds ratio (Woolf 1955)
    assert np.log(found.ci_low) == pytest.approx(np.log(3) - stats.t.ppf(0.975, 2) * error)
    assert found.p_value == pytest.approx(2 * stats.t.sf(np.log(3) / error, 2))


@pytest.mark.parametrize("precision", [4, 1e9])
def test_equal_query_counts_give_the_errors_of_statsmodels(precision):
    """Where species differ; where they scatter by chance alone, binomial errors are not made smaller."""
    hits, queries, n_train = species(np.random.default_rng(3), 0.3, fewest=60, precision=precision)
    size = sm.add_constant(np.log2(1 + n_train))
    model = sm.GLM(np.column_stack([hits, queries - hits]), size, family=sm.families.Binomial())
    expected = queries * model.fit().mu
    scale = np.sum((hits - expected) ** 2 / (expected * (1 - expected / queries))) / 58  # Pearson's X2
    expected = model.fit(scale=max(1, scale), use_t=True)
    found = logistic.odds_per_doubling(hits, queries, n_train)
    assert (scale > 1) == (precision == 4)
    assert found.p_value == pytest.approx(expected.pvalues[1], rel=1e-2)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(np.exp(expected.conf_int()[1])), rel=1e-3)


@pytest.mark.parametrize("slope", [0, 0.3])
def test_the_interval_of_the_odds_covers_the_truth(slope):
    rng, n_drawn = np.random.default_rng(4), 200
    found = [logistic.odds_per_doubling(*species(rng, slope)) for _ in range(n_drawn)]
    assert 0.92 < np.mean([one.ci_low <= np.exp(slope) <= one.ci_high for one in found]) < 0.99


@pytest.mark.parametrize(
    ("hits", "why"),
    [
        ([3, 3, 3, 3], "every query hit"),
        ([0, 0, 0, 0], "no query hit"),
        ([0, 0, 2, 3], "training size alone"),
    ],
)
def test_no_odds_without_hits_misses_and_overlap(hits, why):
    found = logistic.odds_per_doubling(np.array(hits), np.full(4, 3), np.array([0, 1, 2, 3]))
    assert found.null_reason.startswith(why) and found.estimate is None


def test_walsh_averages_are_those_of_all_pairs():
    rng = np.random.default_rng(6)
    for n in (1, 2, 7, 30):
        values = np.sort(rng.integers(-5, 6, n) / 7)
        pairs = sorted((values[i] + values[j]) / 2 for i in range(n) for j in range(i, n))
        found = [hodges_lehmann.walsh_average(values, rank) for rank in range(1, len(pairs) + 1)]
        assert found == pytest.approx(pairs, abs=1e-8)


def test_the_interval_holds_what_the_signed_rank_test_does_not_reject():
    changes = np.random.default_rng(7).normal(0.4, 1, 15)
    found = hodges_lehmann.hodges_lehmann(changes)
    shifts = np.linspace(-1, 2, 601)
    accepted = [shift for shift in shifts if stats.wilcoxon(changes - shift).pvalue >= 0.05]
    assert (found.ci_low, found.ci_high) == pytest.approx((min(accepted), max(accepted)), abs=0.01)


def test_the_approximate_ranks_are_near_the_exact_ones():
    for n in (60, 130, 200):
        approximate = n * (n + 1) / 4 - 1.96 * np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        assert hodges_lehmann._find_lower_rank(n) == pytest.approx(approximate, rel=0.01)


def test_ties_and_zeros_are_exact_among_few():
    changes = np.array([0, 0, 0, 10, 10, 20, 30, -10, 50])
    signed = (np.sign(changes) * stats.rankdata(abs(changes)))[changes != 0]
    flipped = [np.dot(signs, signed) for signs in itertools.product([1, -1], repeat=len(signed))]
    expected = np.mean(np.abs(flipped) >= abs(signed.sum()) - 1e-9)
    assert hodges_lehmann.hodges_lehmann(changes).p_value == pytest.approx(expected)


def test_no_change_at_all():
    assert hodges_lehmann.hodges_lehmann(np.zeros(8))[:4] == (0, 0, 0, 1)


def test_the_interval_of_the_typical_change_covers_the_truth():
    rng, n_drawn = np.random.default_rng(8), 300
    found = [hodges_lehmann.hodges_lehmann(rng.normal(1, 3, 25)) for _ in range(n_drawn)]
    assert 0.92 < np.mean([one.ci_low <= 1 <= one.ci_high for one in found]) < 0.98
