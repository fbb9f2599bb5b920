"""How often each defect had each outcome, and what the words mean."""

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

import polars as pl

from nearkin.audit.glossary import DEFECT_MEANINGS, REVIEW_QUESTIONS
from nearkin.audit.overview import align_to_categories

FIELDS = ["file", "row", "category", "name", "caption"]


class DefectCount(TypedDict):
    """A defect of a field and what was done about it, with the number of its rows."""

    field: str
    defect: str
    action: str
    meaning: str
    n: int
    by_category: list[int]


class ReviewItem(TypedDict):
    """A defect that a curator should review, with the section of the page that shows its rows."""

    field: str
    defect: str
    n: int
    place: str
    question: str


def count_defects(
    curation_log: pl.LazyFrame, *, categories: pl.LazyFrame, names: list[str]
) -> list[DefectCount]:
    """A dict per field, defect and action: fields in order, frequent ones first."""
    keys = ["field", "defect", "action"]
    reason = pl.col("reason")
    counts = curation_log.join(categories, on="uuid", how="left").group_by(*keys, "category")
    table = counts.agg(pl.len().alias("n"), first=reason.min(), last=reason.max()).collect()
    rows: list[DefectCount] = [
        {
            "field": field,
            "defect": defect,
            "action": action,
            "meaning": explain_defect(field, defect, first=min(part["first"]), last=max(part["last"])),
            "n": sum(part["n"]),
            "by_category": align_to_categories(part, names),
        }
        for (field, defect, action), part in table.group_by(keys)
    ]
    return sorted(rows, key=lambda row: (field_order(row["field"]), -row["n"], row["defect"], row["action"]))


def explain_defect(field: str, defect: str, *, first: str, last: str) -> str:
    """What a defect means: its word's meaning, or the reason if all its rows have the same.

    `first` and `last` are the first and the last reason of its rows, sorted.

    >>> explain_defect("name", "case", first="genus with a capital", last="genus with a capital")
    'genus with a capital'
    """
    meaning = DEFECT_MEANINGS.get((field, defect))
    return meaning or (first if first == last else f"for example: {first}")


def review_checklist(counts: Sequence[DefectCount]) -> list[ReviewItem]:
    """The defects that a person can decide better than a program."""
    n_rows = Counter()
    for row in counts:
        n_rows[row["field"], row["defect"]] += row["n"]
    return [
        {"field": field, "defect": defect, "n": n_rows[field, defect], "place": section, "question": question}
        for field, defect, section, question in REVIEW_QUESTIONS
        if (field, defect) in n_rows
    ]


def field_order(field: str) -> int:
    """The position of a field in lists: as in FIELDS, others last."""
    return FIELDS.index(field) if field in FIELDS else len(FIELDS)
