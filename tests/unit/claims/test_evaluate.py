"""Claims about synthetic species with known answers, and claims without an answer."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.claims import evaluate
from nearkin.claims.sentences import format_claim
from nearkin.tables.claims import (
    IMPROVED,
    INCONCLUSIVE,
    NOT_SUPPORTED,
    ODDS_RATIO,
    RELATED,
    RISES,
    SATURATED,
    SUPPORTED,
    WORSE,
    Claims,
)

pytestmark = pytest.mark.filterwarnings("error")


def make_differences(base, trained, n_train, *, n_queries=20, p_holm=0.5, level="species", **other):
    """Rows of a `Differences` table: one label per value."""
    n = len(base)
    frame = pl.DataFrame(
        {
            "label": pl.Series(
                [f"Aa {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(n)], dtype=pl.String
            ),
            "base": np.array(base, dtype=float),
            "trained": np.array(trained, dtype=float),
            "n_train": np.array(n_train, dtype=np.int64),
        }
    )
    constant = {"protocol": "leave_one_out", "level": level, "metric": "recall", "category": "Fish", "k": 1}
    constant |= {
        "n_queries": n_queries,
        "n_groups": n_queries,
        "p_holm": p_holm,
        "enough_queries": True,
    } | other
    diff_pp = 100 * (pl.col("trained") - pl.col("base"))
    return frame.with_columns(diff_pp=diff_pp, **{name: pl.lit(value) for name, value in constant.items()})


def make_recall(value=0.9995, ci_low=0.999, ci_high=1.0, n_labels=3):
    """The row of a `Metrics` table that claims use."""
    row = {"protocol": "leave_one_out", "level": "category", "metric": "recall", "average": "micro"}
    row |= {
        "query_subset": "all",
        "category": "all",
        "label": "all",
        "k": 1,
        "value": value,
        "ci_low": ci_low,
    }
    row |= {
        "ci_high": ci_high,
        "n_labels": n_labels,
        "n_queries": 500,
        "null_reason": None if value else "no queries",
    }
    return pl.DataFrame([row])


def evaluate_pair(frame, **other):
    return evaluate.evaluate_claims({"old": make_recall(**other), "new": make_recall(**other)}, frame, k=1)


def list_answers(claims, claim, **other):
    return claims.filter(claim=claim, **other)["answer"].to_list()


def test_only_the_trained_model_gains_from_more_images():
    n_train = np.arange(1, 21)
    base = np.tile([0.5, 0.6, 0.4, 0.55, 0.45], 4)
    table = evaluate_pair(make_differences(base, 0.2 + 0.03 * n_train, n_train))
    assert list_answers(table, RISES, subject="old") == [NOT_SUPPORTED] * 2
    assert list_answers(table, RISES, subject="new") == [SUPPORTED] * 2
    assert list_answers(table, RELATED) == [SUPPORTED]
    assert list_answers(table, IMPROVED, level="species") == [NOT_SUPPORTED]  # half improve, half worsen
    assert "grows with the number of training images in Fish: Spearman’s ρ = 0." in format_sentence(
        table, RELATED
    )


def test_falling_recall_does_not_support_a_rise():
    n_train = np.arange(1, 21)
    table = evaluate_pair(make_differences(0.9 - 0.03 * n_train, 0.5 - 0.02 * n_train, n_train))
    assert list_answers(table, RISES, subject="new") == [NOT_SUPPORTED] * 2
    assert "Species recall@1 of new falls with" in format_sentence(
        table, RISES, subject="new", measure=ODDS_RATIO
    )
    assert "typical species of Fish got worse from old to new" in format_sentence(
        table, IMPROVED, level="species"
    )


def test_the_typical_species_improves_despite_one_large_loss():
    trained = [*np.linspace(0.55, 0.7, 19), 0.4]
    table = evaluate_pair(make_differences([0.5] * 19 + [1.0], trained, range(20)))
    assert list_answers(table, IMPROVED, level="species") == [SUPPORTED]
    text = format_sentence(table, IMPROVED, level="species")
    assert "19 improved, 0 stayed, 1 worsened; n = 20 species with 400 queries" in text


def test_worsened_species_are_listed_worst_first():
    worse = make_differences([0.9, 0.9, 0.9, 0.1], [0.5, 0.2, 0.8, 0.9], [1, 2, 3, 4]).with_columns(
        p_holm=pl.Series([0.04, 0.001, 0.5, 0.01])
    )
    table = evaluate_pair(worse)
    assert list_answers(table, WORSE) == [SUPPORTED]
    assert table.filter(claim=WORSE)["worsened_labels"].to_list() == [["Aa ab", "Aa aa"]]
    assert "2 worsened (Aa ab, Aa aa) and 1 improved" in format_sentence(table, WORSE)
    assert list_answers(evaluate_pair(worse.with_columns(p_holm=pl.lit(0.2))), WORSE) == [NOT_SUPPORTED]


def test_too_few_groups_make_worsening_inconclusive():
    """Four species of five groups: 4 x 2 / 2**5 = 0.25."""
    few = make_differences([1, 1, 1, 1], [0, 0, 0, 0], [1, 2, 3, 4], n_groups=5)
    assert list_answers(evaluate_pair(few), WORSE) == [INCONCLUSIVE]
    assert "none of 4 species has more than 5 groups" in format_sentence(evaluate_pair(few), WORSE)
    assert "no species has enough queries" in format_sentence(
        evaluate_pair(few.with_columns(enough_queries=pl.lit(False))), WORSE
    )


@pytest.mark.parametrize(
    ("numbers", "answer"),
    [
        ({}, SUPPORTED),
        ({"value": 0.992, "ci_low": 0.985, "ci_high": 0.999}, NOT_SUPPORTED),
        ({"value": 0.9, "ci_low": 0.85, "ci_high": 0.95}, NOT_SUPPORTED),
        ({"value": 1.0, "ci_low": 1.0, "n_labels": 1}, INCONCLUSIVE),
        ({"value": None, "ci_low": None, "ci_high": None}, INCONCLUSIVE),
    ],
)
def test_category_recall_is_saturated_above_the_ceiling(numbers, answer):
    table = evaluate_pair(make_differences([0.5], [0.5], [1]), **numbers)
    assert list_answers(table, SATURATED) == [answer] * 2
    assert all(format_claim(row).endswith(".") for row in table.to_dicts())


INCONCLUSIVE_CASES = {
    "one species": (make_differences([0.5], [0.6], [3]), "it takes 6 species, not 1"),
    "no species": (make_differences([], [], []), "it takes 6 species, not 0"),
    "no training images": (
        make_differences([0.1, 0.9] * 4, [0.2, 0.3] * 4, [0] * 8),
        "no species has training",
    ),
    "constant size": (
        make_differences([0.1, 0.9] * 4, [0.2, 0.3] * 4, [4] * 8),
        "all species have 4 training",
    ),
    "all hit": (make_differences([1] * 8, [1] * 8, range(8)), "all species have the same recall, 1.000"),
    "none hit": (make_differences([0] * 8, [0] * 8, range(8)), "all species have the same recall, 0.000"),
}


@pytest.mark.parametrize(("frame", "reason"), INCONCLUSIVE_CASES.values(), ids=INCONCLUSIVE_CASES)
def test_an_inconclusive_claim_gives_its_reason(frame, reason):
    category = make_differences([0.9], [0.9], [9], level="category", label="all")
    table = evaluate_pair(pl.concat([frame, category]))
    assert list_answers(table, RISES) == [INCONCLUSIVE] * 4
    assert list_answers(table, RELATED) == [INCONCLUSIVE]
    assert reason in format_sentence(table, RISES, subject="old", measure=ODDS_RATIO)
    assert Claims.validate(table.sort(Claims.primary_key())) is not None


def test_a_separated_category_has_an_answer_by_rank_but_not_by_odds():
    table = evaluate_pair(make_differences([0] * 4 + [1] * 4, [0] * 4 + [1] * 4, range(8)))
    assert list_answers(table, RISES, subject="old", measure=ODDS_RATIO) == [INCONCLUSIVE]
    assert list_answers(table, RISES, subject="old", measure="spearman") == [SUPPORTED]
    assert list_answers(table, RELATED) == [INCONCLUSIVE]


def test_unseen_species_have_no_claims_about_training_images():
    table = evaluate.evaluate_claims(
        {name: make_recall().with_columns(protocol=pl.lit("unseen_species")) for name in ("old", "new")},
        make_differences([0.5, 0.4] * 4, [0.6, 0.5] * 4, [0] * 8, protocol="unseen_species"),
        k=1,
    )
    assert set(table["claim"]) == {IMPROVED, WORSE, SATURATED}
    assert all("unseen species" in format_claim(row) for row in table.to_dicts())


SPECIES = st.tuples(st.integers(1, 4), st.integers(0, 4), st.integers(0, 4), st.integers(0, 3))


@settings(max_examples=30, deadline=None)
@given(st.lists(SPECIES, max_size=10))
def test_any_counts_give_an_answer_and_a_sentence(species):
    """Any hits, queries and training images: no warning, no infinite number."""
    queries, base, trained, n_train = np.array(species, dtype=np.int64).reshape(-1, 4).T
    frame = make_differences(
        np.minimum(base, queries) / queries, np.minimum(trained, queries) / queries, n_train
    )
    frame = frame.with_columns(n_queries=pl.Series(queries, dtype=pl.Int32))
    category = make_differences([0.9], [0.9], [9], level="category", label="all")
    table = evaluate_pair(pl.concat([frame, category]))
    for row in Claims.validate(table.sort(Claims.primary_key())).to_dicts():
        assert (row["null_reason"] is None) == (row["answer"] != INCONCLUSIVE)
        assert format_claim(row).endswith(".") and "None" not in format_claim(row)
        assert all(
            np.isfinite(row[name]) for name in ("estimate", "ci_low", "ci_high") if row[name] is not None
        )


def format_sentence(table, claim, **other):
    [row] = table.filter(claim=claim, **other).to_dicts()
    return format_claim(row)
