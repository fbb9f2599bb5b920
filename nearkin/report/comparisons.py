"""Base against trained on the page: one sentence, three tables."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import polars as pl

from nearkin.tables.categories import sort_categories
from nearkin.vocabulary import ALL, LEVELS, PROTOCOLS

MAX_SHOWN_SPECIES = 10


class Interval(TypedDict):
    """The ends of a 95 % interval, None where there is none."""

    ci_low: float | None
    ci_high: float | None


def summarise_pair(differences: pl.DataFrame, *, base: str, trained: str, text: str) -> dict[str, object]:
    """What the page says of two models, from their `Differences` and printed comparison."""
    recalls = differences.filter(metric="recall", k=1)
    protocols = [name for name in PROTOCOLS if name in set(recalls["protocol"])]
    labels = recalls.filter(pl.col("label") != ALL)
    species = labels.filter(level="species", protocol=protocols[0]) if protocols else labels.clear()
    ranked = species.filter("enough_queries")
    return {
        "base": base,
        "trained": trained,
        "text": text,
        "protocols": protocols,
        "overall": _sort_rows(recalls.filter(category=ALL, label=ALL, level="species"), protocols),
        "rows": _sort_rows(
            recalls.filter((pl.col("category") == ALL) | (pl.col("level") == "species"), label=ALL), protocols
        ),
        "improved": _select_most_changed(ranked.filter(pl.col("diff_pp") > 0), descending=True),
        "worsened": _select_most_changed(ranked.filter(pl.col("diff_pp") < 0), descending=False),
        "n_species": len(species),
        "n_ranked": len(ranked),
        "n_improved": _count_significant(ranked.filter(pl.col("diff_pp") > 0)),
        "n_worsened": _count_significant(ranked.filter(pl.col("diff_pp") < 0)),
    }


def format_verdict(row: Interval) -> str:
    """The verdict of a difference's interval, in words.

    >>> format_verdict({"ci_low": 0.4, "ci_high": 3.0}), format_verdict({"ci_low": -1, "ci_high": 3.0})
    ('better', 'not shown to differ')
    """
    if row["ci_low"] is not None and row["ci_low"] > 0:
        return "better"
    if row["ci_high"] is not None and row["ci_high"] < 0:
        return "worse"
    return "not shown to differ"


def _sort_rows(differences: pl.DataFrame, protocols: Sequence[str]) -> list[dict[str, Any]]:
    """Differences by protocol, level and category, in their order, that of all first."""
    categories = [ALL, *sort_categories(set(differences["category"]) - {ALL})]

    def sort_key(row: Mapping[str, Any]) -> tuple[int, int, int]:
        return protocols.index(row["protocol"]), LEVELS.index(row["level"]), categories.index(row["category"])

    return sorted(differences.to_dicts(), key=sort_key)


def _select_most_changed(species: pl.DataFrame, *, descending: bool) -> list[dict[str, Any]]:
    """The most changed species, ties by name."""
    return species.sort("diff_pp", "label", descending=[descending, False]).head(MAX_SHOWN_SPECIES).to_dicts()


def _count_significant(species: pl.DataFrame) -> int:
    return len(species.filter(pl.col("p_holm") < 0.05))
