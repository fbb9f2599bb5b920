"""The rows of a `Claims` table as sentences."""

from collections.abc import Callable, Mapping
from typing import Any

from nearkin.claims.evidence import ALPHA, CEILING, Evidence, find_direction
from nearkin.html import format_numbers
from nearkin.tables.claims import (
    COUNT,
    HODGES_LEHMANN,
    IMPROVED,
    INCONCLUSIVE,
    ODDS_RATIO,
    RECALL,
    RELATED,
    RISES,
    SATURATED,
    SPEARMAN,
    SUPPORTED,
    WORSE,
)
from nearkin.vocabulary import ALL, PLURALS

RECALL_OF = "species recall@{k} of {subject}"
MORE_IMAGES = "with the number of training images{in_category}"
PAIR = "from {base} to {trained}"
CLAIM_TEXTS = {
    RISES: {
        1: f"{RECALL_OF} rises {MORE_IMAGES}",
        0: f"{RECALL_OF} is not shown to rise {MORE_IMAGES}",
        -1: f"{RECALL_OF} falls {MORE_IMAGES}",
    },
    RELATED: {
        1: f"the improvement {PAIR} grows {MORE_IMAGES}",
        0: f"the improvement {PAIR} is not shown to go {MORE_IMAGES}",
        -1: f"the improvement {PAIR} shrinks {MORE_IMAGES}",
    },
    IMPROVED: {
        1: f"the typical {{level}}{{of_category}} improved {PAIR}",
        0: f"the typical {{level}}{{of_category}} is not shown to have improved {PAIR}",
        -1: f"the typical {{level}}{{of_category}} got worse {PAIR}",
    },
    WORSE: {
        1: f"some species got worse {PAIR} beyond chance",
        0: f"no species is shown to have got worse {PAIR} beyond chance",
    },
    SATURATED: {
        1: "category recall@{k} of {subject} is saturated",
        0: "category recall@{k} of {subject} is not shown to be saturated",
        -1: "category recall@{k} of {subject} is not saturated",
    },
}
"""By claim and by the direction of the estimate; the first is the claim itself."""

MAX_NAMED_SPECIES = 10
PROTOCOLS = {
    "leave_one_out": "leave one out",
    "train_gallery": "train gallery",
    "unseen_species": "unseen species",
}


ClaimRow = Mapping[str, Any]
"""A row of a `Claims` table: values by column, whose types its declaration has."""


def format_claim(row: ClaimRow) -> str:
    """The sentence of a row of a `Claims` table, with its evidence."""
    base, _, trained = row["subject"].partition("/")
    words = {**row, "base": base, "trained": trained}
    words |= {f"{word}_category": _format_category(word, row["category"]) for word in ("in", "of")}
    heads = {sign: head.format_map(words) for sign, head in CLAIM_TEXTS[row["claim"]].items()}
    protocol = PROTOCOLS[row["protocol"]]
    if row["answer"] == INCONCLUSIVE:
        return f"It is inconclusive whether {heads[1]}: {row['null_reason']} ({protocol})."
    head = heads[_find_direction(row)]
    counts = (
        f"n = {_format_counts(row)} with {format_numbers.format_count(row['n_queries'])} queries, {protocol}"
    )
    return f"{head[0].upper()}{head[1:]}: {EVIDENCE[row['measure']](row)}; {counts}."


def _format_category(word: str, category: str) -> str:
    """The words for the category of a sentence; nothing where it is about all.

    >>> _format_category("in", "Fish"), _format_category("of", ""), _format_category("of", "all")
    (' in Fish', ' of images without a category', '')
    """
    return "" if category == ALL else f" {word} {category or 'images without a category'}"


def _find_direction(row: ClaimRow) -> int:
    if row["measure"] == COUNT:
        return int(row["answer"] == SUPPORTED)
    return find_direction(row["measure"], Evidence(*(row[name] for name in Evidence._fields)))


def _format_counts(row: ClaimRow) -> str:
    """How many labels there are, in words, and how many training images they have if that matters.

    >>> _format_counts({"n_labels": 114, "level": "genus", "min_train_images": None})
    '114 genera'
    >>> _format_counts({"n_labels": 60, "level": "species", "min_train_images": 2, "max_train_images": 80})
    '60 species (2 to 80 training images)'
    """
    noun = row["level"] if row["n_labels"] == 1 else PLURALS[row["level"]]
    labels = f"{format_numbers.format_count(row['n_labels'])} {noun}"
    if row["min_train_images"] is None:
        return labels
    n_images = format_numbers.format_count_range(row["min_train_images"], row["max_train_images"])
    return f"{labels} ({n_images} training images)"


def _format_spearman(row: ClaimRow) -> str:
    return (
        f"Spearman’s ρ = {_format_2(row['estimate'])}{_format_interval(row, _format_2)}{_format_p_value(row)}"
    )


def _format_odds(row: ClaimRow) -> str:
    odds = f"odds of a hit × {_format_2(row['estimate'])} per doubling of 1 + training images"
    return f"{odds}{_format_interval(row, _format_2)}{_format_p_value(row)}"


def _format_change(row: ClaimRow) -> str:
    n_same = row["n_labels"] - row["n_improved"] - row["n_worsened"]
    counts = f"{row['n_improved']:,} improved, {n_same:,} stayed, {row['n_worsened']:,} worsened"
    change = f"{format_numbers.format_points(row['estimate'])} points of recall@{row['k']}"
    return f"{change}{_format_interval(row, format_numbers.format_points)}{_format_p_value(row)}; {counts}"


def _format_worsened(row: ClaimRow) -> str:
    names = row["worsened_labels"][:MAX_NAMED_SPECIES]
    n_more = row["n_worsened"] - len(names)
    labels = f" ({', '.join(names)}{f' and {n_more:,} more' if n_more else ''})" if names else ""
    counts = f"{row['n_worsened']:,} worsened{labels} and {row['n_improved']:,} improved"
    return f"{counts} with Holm’s p under {ALPHA}, among those with enough queries"


def _format_recall(row: ClaimRow) -> str:
    return f"{_format_4(row['estimate'])}{_format_interval(row, _format_4)}, against a ceiling of {CEILING}"


EVIDENCE: dict[str, Callable[[ClaimRow], str]] = {
    SPEARMAN: _format_spearman,
    ODDS_RATIO: _format_odds,
    HODGES_LEHMANN: _format_change,
    COUNT: _format_worsened,
    RECALL: _format_recall,
}


def _format_interval(row: ClaimRow, form: Callable[[float], str]) -> str:
    return f" (95 % interval {format_numbers.format_interval(row['ci_low'], row['ci_high'], form)})"


def _format_p_value(row: ClaimRow) -> str:
    return f", p {'' if row['p_value'] < 0.001 else '= '}{format_numbers.format_p_value(row['p_value'])}"


def _format_4(value: float) -> str:
    return f"{value:.4f}"


def _format_2(value: float) -> str:
    """A number with two decimals; no larger than a thousand.

    >>> _format_2(-0.417), _format_2(-0.001), _format_2(123456.7)
    ('−0.42', '0.00', '> 1,000')
    """
    return f"{value:z.2f}".replace("-", "−") if value <= 1000 else "> 1,000"
