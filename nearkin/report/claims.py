"""The claims of the page: for every pair and protocol the questions, with answers and sentences."""

from collections.abc import Mapping
from typing import Any, TypedDict

import polars as pl

from nearkin.claims.evidence import CEILING
from nearkin.claims.sentences import format_claim
from nearkin.report.headline_tables import TITLES
from nearkin.tables.categories import sort_categories
from nearkin.tables.claims import ANSWERS, IMPROVED, MEASURES, RELATED, RISES, SATURATED, SUPPORTED, WORSE
from nearkin.vocabulary import ALL, PROTOCOLS

CLAIM_QUESTIONS = {
    RISES: (
        "Does recall rise with the number of training images of a species?",
        "Species with many training images have many test images too and are easier to find for any model, "
        "also for one that was not trained on them.",
    ),
    RELATED: (
        "Is the improvement related to the number of training images?",
        "A species that the base finds already has less to gain.",
    ),
    IMPROVED: (
        "Did the typical species, and the typical genus, improve?",
        "A genus is the mean of its species.",
    ),
    WORSE: (
        "Did any species get worse beyond chance?",
        "Only species with enough queries; p-values are adjusted by Holm over them.",
    ),
    SATURATED: ("Is category recall saturated?", f"It is where its whole interval lies above {CEILING}."),
}
"""A question and a note for each kind of claim, in their order on the page."""


class ClaimRow(TypedDict):
    """An answer with its sentence; `supported` repeats the answer for the template."""

    answer: str
    supported: bool
    sentence: str


class Question(TypedDict):
    """A question of `CLAIM_QUESTIONS` with its rows: genera last, categories in order, the base first."""

    text: str
    note: str
    rows: list[ClaimRow]


class ClaimBlock(TypedDict):
    """The questions of a protocol, and how often each answer was given."""

    title: str
    questions: list[Question]
    counts: list[tuple[str, int]]


class PairClaims(TypedDict):
    """The claims about two models, a block per protocol."""

    base: str
    trained: str
    blocks: list[ClaimBlock]


def collect_pair_claims(claims: pl.DataFrame, *, base: str, trained: str) -> PairClaims:
    """What the page says of a pair's `Claims` table."""
    protocols = [name for name in PROTOCOLS if name in set(claims["protocol"])]
    blocks = [
        _make_block(claims.filter(protocol=protocol), TITLES[protocol][0], base) for protocol in protocols
    ]
    return {"base": base, "trained": trained, "blocks": blocks}


def _make_block(claims: pl.DataFrame, title: str, base: str) -> ClaimBlock:
    categories = [*sort_categories(set(claims["category"]) - {ALL}), ALL]

    def sort_key(row: Mapping[str, Any]) -> tuple[bool, int, bool, int]:
        measure = MEASURES.index(row["measure"])
        return row["level"] == "genus", categories.index(row["category"]), row["subject"] != base, measure

    questions: list[Question] = []
    for claim, (text, note) in CLAIM_QUESTIONS.items():
        rows = sorted(claims.filter(claim=claim).to_dicts(), key=sort_key)
        if rows:
            questions.append({"text": text, "note": note, "rows": [_make_row(row) for row in rows]})
    counts = [(answer, len(claims.filter(answer=answer))) for answer in ANSWERS]
    return {"title": title, "questions": questions, "counts": counts}


def _make_row(row: Mapping[str, Any]) -> ClaimRow:
    return {"answer": row["answer"], "supported": row["answer"] == SUPPORTED, "sentence": format_claim(row)}
