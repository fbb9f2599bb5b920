"""Base against trained as the page tells it: one sentence, three tables."""

import polars as pl

from nearkin.tables.categories import sort_categories
from nearkin.vocabulary import ALL, LEVELS, PROTOCOLS

MAX_SHOWN_SPECIES = 10


def summarise_pair(differences, *, base, trained, text):
    """What the page says of two models, from their `Differences` and printed comparison."""
    found = differences.filter(metric="recall", k=1)
    protocols = [name for name in PROTOCOLS if name in set(found["protocol"])]
    labels = found.filter(pl.col("label") != ALL)
    species = labels.filter(level="species", protocol=protocols[0]) if protocols else labels.clear()
    ranked = species.filter("enough_queries")
    return {
        "base": base,
        "trained": trained,
        "text": text,
        "protocols": protocols,
        "overall": _select_overall(found.filter(category=ALL, label=ALL, level="species"), protocols),
        "rows": _select_overall(
            found.filter((pl.col("category") == ALL) | (pl.col("level") == "species"), label=ALL), protocols
        ),
        "improved": _select_most_changed(ranked.filter(pl.col("diff_pp") > 0), descending=True),
        "worsened": _select_most_changed(ranked.filter(pl.col("diff_pp") < 0), descending=False),
        "n_species": len(species),
        "n_ranked": len(ranked),
        "n_improved": _count_significant(ranked.filter(pl.col("diff_pp") > 0)),
        "n_worsened": _count_significant(ranked.filter(pl.col("diff_pp") < 0)),
    }


def format_verdict(row):
    """What an interval of a difference says, in one word.

    >>> format_verdict({"ci_low": 0.4, "ci_high": 3.0}), format_verdict({"ci_low": -1, "ci_high": 3.0})
    ('better', 'not shown to differ')
    """
    if row["ci_low"] is not None and row["ci_low"] > 0:
        return "better"
    if row["ci_high"] is not None and row["ci_high"] < 0:
        return "worse"
    return "not shown to differ"


def _select_overall(found, protocols):
    """Differences by protocol, level and category, in their order, that of all first."""
    categories = [ALL, *sort_categories(set(found["category"]) - {ALL})]

    def place(row):
        return protocols.index(row["protocol"]), LEVELS.index(row["level"]), categories.index(row["category"])

    return sorted(found.to_dicts(), key=place)


def _select_most_changed(species, *, descending):
    """Most changed species, equal ones by name."""
    return species.sort("diff_pp", "label", descending=[descending, False]).head(MAX_SHOWN_SPECIES).to_dicts()


def _count_significant(species):
    return len(species.filter(pl.col("p_holm") < 0.05))
