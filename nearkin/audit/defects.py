"""How often each defect met each outcome, and what the words mean."""

import polars as pl

from nearkin.audit.glossary import DEFECT_MEANINGS, REVIEW_QUESTIONS
from nearkin.audit.overview import align_to_categories

FIELDS = ["file", "row", "category", "name", "caption"]


def count_defects(curation_log, *, categories, names):
    """A dict per field, defect and action: meaning, n, by_category. Fields in order, frequent ones first."""
    keys = ["field", "defect", "action"]
    evidence = pl.col("evidence")
    found = curation_log.join(categories, on="uuid", how="left").group_by(*keys, "category")
    table = found.agg(pl.len().alias("n"), first=evidence.min(), last=evidence.max()).collect()
    rows = [
        dict(zip(keys, key, strict=True))
        | {
            "meaning": explain_defect(*key[:2], first=part["first"].min(), last=part["last"].max()),
            "n": part["n"].sum(),
            "by_category": align_to_categories(part, names),
        }
        for key, part in table.group_by(keys)
    ]
    return sorted(rows, key=lambda row: (field_order(row["field"]), -row["n"], row["defect"], row["action"]))


def explain_defect(field, defect, *, first, last):
    """What a defect means: its word's meaning, or the evidence if all its rows have the same.

    `first` and `last` are the ends of the evidence of its rows, sorted.

    >>> explain_defect("name", "case", first="genus with a capital", last="genus with a capital")
    'genus with a capital'
    """
    known = DEFECT_MEANINGS.get((field, defect))
    return known or (first if first == last else f"for example: {first}")


def review_checklist(counted):
    """What a person can tell better: dicts with field, defect, n, place and question."""
    n_rows = {}
    for row in counted:
        key = row["field"], row["defect"]
        n_rows[key] = n_rows.get(key, 0) + row["n"]
    return [
        {"field": field, "defect": defect, "n": n_rows[field, defect], "place": place, "question": question}
        for field, defect, place, question in REVIEW_QUESTIONS
        if (field, defect) in n_rows
    ]


def field_order(field):
    """Where a field comes in lists: as in FIELDS, others last."""
    return FIELDS.index(field) if field in FIELDS else len(FIELDS)
