"""Whether a name in a caption says what the picture shows."""

import re
from collections.abc import Sequence

WORD = re.compile(r"[^\W_]+")
APOSTROPHE = re.compile("['\u2019]")

_CONTEXT = """
and or on at in under among against near beside behind with by from to than as like unlike not versus vs
eating catching attacking carrying holding visiting pollinating mimics mimicking resembles resembling
"""
CONTEXT_WORDS = frozenset(_CONTEXT.split())
"""Words before the name of something that is not the subject: `on Urtica dioica`, `like a Monarch`."""

_ARTICLES = ("a", "an", "the")
_NO_NAMES = "this that these here one two of is for shows showing"
NO_NAMES = CONTEXT_WORDS.union(_ARTICLES, _NO_NAMES.split())
"""Words that are no part of a name even with a capital."""

MIN_USE_RATIO = 5
"""Correct uses per wrong use from which a lower-case common name is more than a phrase."""


def contains_words(text: str, words: str) -> bool:
    """Whether a text has these words, given in lower case with single spaces.

    >>> contains_words("The AUS_BUS's fins", "aus buss"), contains_words("Aus busus", "aus bus")
    (True, False)
    """
    return bool(_find_starts(_lowercase(_find_words(text)[1]), words.split(" ")))


def is_subject_mention(text: str, words: str, *, scientific: bool, n_own: int, n_other: int) -> bool:
    """Whether these words name what the text shows, and not what is next to it, or like it.

    A common name counts if it has capitals and is no part of a longer name, or if it has two
    words or more and is used MIN_USE_RATIO times as often for its own species (`n_own`) as
    elsewhere (`n_other`): `large white` is mostly no butterfly.

    >>> texts = ["A Big Cus rests.", "It is like a Big Cus.", "A Very Big Cus rests.", "A big cus rests."]
    >>> [is_subject_mention(text, "big cus", scientific=False, n_own=0, n_other=1) for text in texts]
    [True, False, False, False]
    """
    text, matches = _find_words(text)
    lower, name = _lowercase(matches), words.split(" ")
    is_certain = scientific or len(name) > 1 and n_own >= MIN_USE_RATIO * max(n_other, 1)
    for start in _find_starts(lower, name):
        end = start + len(name)
        if not _is_context(lower[:start]) and (is_certain or _is_whole_name(text, matches, start, end)):
            return True
    return False


def _find_words(text: str) -> tuple[str, list[re.Match[str]]]:
    """The text without apostrophes, and its words."""
    text = APOSTROPHE.sub("", text)
    return text, list(WORD.finditer(text))


def _lowercase(words: Sequence[re.Match[str]]) -> list[str]:
    return [word[0].lower() for word in words]


def _find_starts(words: list[str], name: list[str]) -> list[int]:
    return [at for at in range(len(words) - len(name) + 1) if words[at : at + len(name)] == name]


def _is_context(before: Sequence[str]) -> bool:
    """Whether the words before a name say that it is not the subject."""
    if before and before[-1] in _ARTICLES:
        before = before[:-1]
    return bool(before) and before[-1] in CONTEXT_WORDS


def _is_whole_name(text: str, words: Sequence[re.Match[str]], start: int, end: int) -> bool:
    """Whether a name begins and ends with a capital and no adjacent word belongs to it."""
    if not (_has_capital(words[start]) and _has_capital(words[end - 1])):
        return False
    before = start > 0 and _continues_name(text, words[start - 1], words[start], added=words[start - 1])
    after = end < len(words) and _continues_name(text, words[end - 1], words[end], added=words[end])
    return not (before or after)


def _continues_name(text: str, first: re.Match[str], second: re.Match[str], *, added: re.Match[str]) -> bool:
    """Whether two adjacent words, of which one would be `added` to the name, belong together."""
    between = text[first.end() : second.start()]
    is_part_of_name = _has_capital(added) and added[0].lower() not in NO_NAMES
    return between == "-" or (between == " " and is_part_of_name)


def _has_capital(word: re.Match[str]) -> bool:
    return word[0][0].isupper()
