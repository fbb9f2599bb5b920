"""What a row of a `Claims` table says, in words."""

from nearkin.claims.evidence import ALPHA, CEILING, Evidence, side
from nearkin.html import format_numbers
from nearkin.tables.claims import (
    CANNOT_BE_TOLD,
    COUNT,
    HODGES_LEHMANN,
    IMPROVED,
    ODDS_RATIO,
    RECALL,
    RELATED,
    RISES,
    SATURATED,
    SHOWN,
    SPEARMAN,
    WORSE,
)
from nearkin.vocabulary import ALL, PLURALS

RECALL_OF = "species recall@{k} of {about}"
MORE_IMAGES = "with the number of training images{in_category}"
PAIR = "from {base} to {trained}"
HEADS = {
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
        1: "category recall@{k} of {about} is saturated",
        0: "category recall@{k} of {about} is not shown to be saturated",
        -1: "category recall@{k} of {about} is not saturated",
    },
}
"""By claim and by the side on which the estimate lies; the first is what is claimed."""

NAMED = 10
PROTOCOLS = {"leave_one_out": "leave one out", "search": "search", "unseen": "unseen species"}


def sentence(row):
    """The sentence of a row of a `Claims` table, with its evidence."""
    base, _, trained = row["about"].partition("/")
    words = row | {"base": base, "trained": trained}
    words |= {f"{word}_category": _category(word, row["category"]) for word in ("in", "of")}
    heads = {place: head.format_map(words) for place, head in HEADS[row["claim"]].items()}
    protocol = PROTOCOLS[row["protocol"]]
    if row["answer"] == CANNOT_BE_TOLD:
        return f"Whether {heads[1]} cannot be told: {row['why']} ({protocol})."
    head = heads[_place(row)]
    behind = f"n = {_counted(row)} with {format_numbers.count(row['n_queries'])} queries, {protocol}"
    return f"{head[0].upper()}{head[1:]}: {EVIDENCE[row['measure']](row)}; {behind}."


def _category(word: str, category: str) -> str:
    """Which category a sentence is about, as it says so; nothing where it is about all.

    >>> _category("in", "Fish"), _category("of", ""), _category("of", "all")
    (' in Fish', ' of images without a category', '')
    """
    return "" if category == ALL else f" {word} {category or 'images without a category'}"


def _place(row):
    if row["measure"] == COUNT:
        return int(row["answer"] == SHOWN)
    return side(row["measure"], Evidence(*(row[name] for name in Evidence._fields)))


def _counted(row):
    """How many labels there are, in words, and how many training images they have if that matters.

    >>> _counted({"n_labels": 114, "level": "genus", "fewest_images": None})
    '114 genera'
    >>> _counted({"n_labels": 60, "level": "species", "fewest_images": 2, "most_images": 80})
    '60 species (2 to 80 training images)'
    """
    noun = row["level"] if row["n_labels"] == 1 else PLURALS[row["level"]]
    said = f"{format_numbers.count(row['n_labels'])} {noun}"
    if row["fewest_images"] is None:
        return said
    return f"{said} ({format_numbers.count_range(row['fewest_images'], row['most_images'])} training images)"


def _spearman(row):
    return f"Spearman’s ρ = {_rounded(row['estimate'])}{_interval(row, _rounded)}{_p(row)}"


def _odds(row):
    factor = _rounded(row["estimate"])
    return f"odds of a hit × {factor} per doubling of 1 + training images{_interval(row, _rounded)}{_p(row)}"


def _change(row):
    stayed = row["n_labels"] - row["n_rose"] - row["n_fell"]
    counts = f"{row['n_rose']:,} rose, {stayed:,} stayed, {row['n_fell']:,} fell"
    change = f"{format_numbers.points(row['estimate'])} points of recall@{row['k']}"
    return f"{change}{_interval(row, format_numbers.points)}{_p(row)}; {counts}"


def _fallen(row):
    names = row["fallen"][:NAMED]
    more = row["n_fell"] - len(names)
    named = f" ({', '.join(names)}{f' and {more:,} more' if more else ''})" if names else ""
    told = f"{row['n_fell']:,} fell{named} and {row['n_rose']:,} rose"
    return f"{told} with Holm’s p under {ALPHA}, among those with enough queries"


def _recall(row):
    return f"{_four(row['estimate'])}{_interval(row, _four)}, against a ceiling of {CEILING}"


EVIDENCE = {SPEARMAN: _spearman, ODDS_RATIO: _odds, HODGES_LEHMANN: _change, COUNT: _fallen, RECALL: _recall}


def _interval(row, form):
    return f" (95 % interval {format_numbers.span(row['low'], row['high'], form)})"


def _p(row):
    return f", p {'' if row['p_value'] < 0.001 else '= '}{format_numbers.p_value(row['p_value'])}"


def _four(value):
    return f"{value:.4f}"


def _rounded(value):
    """A number with two decimals; no larger than a thousand.

    >>> _rounded(-0.417), _rounded(-0.001), _rounded(123456.7)
    ('−0.42', '0.00', '> 1,000')
    """
    return f"{value:z.2f}".replace("-", "−") if value <= 1000 else "> 1,000"
