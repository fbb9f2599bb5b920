"""Whether a name in a caption says what the picture shows."""

import re

WORD = re.compile(r"[^\W_]+")
APOSTROPHE = re.compile("['\u2019]")

_BESIDE = """
and or on at in under among against near beside behind with by from to than as like unlike not versus vs
eating catching attacking carrying holding visiting pollinating mimics mimicking resembles resembling
"""
CONTEXT_WORDS = frozenset(_BESIDE.split())
"""Words before the name of what is not shown itself: `on Urtica dioica`, `like a Monarch`."""

_ARTICLES = ("a", "an", "the")
_NO_NAMES = "this that these here one two of is for shows showing"
NO_NAMES = CONTEXT_WORDS.union(_ARTICLES, _NO_NAMES.split())
"""Words that are no part of a name even with a capital."""

MIN_USE_RATIO = 5
"""Right uses for each wrong one that make a common name in small letters more than a phrase."""


def contains_words(text, words):
    """Whether a text has these words, given in small letters with single spaces.

    >>> contains_words("The AUS_BUS's fins", "aus buss"), contains_words("Aus busus", "aus bus")
    (True, False)
    """
    return bool(_places(_small(_found(text)[1]), words.split(" ")))


def is_subject_mention(text, words, *, scientific, n_own, n_other):
    """Whether the text names by these words what it shows: not what is beside it, or like it.

    A common name counts if it has capitals and is no part of a longer name, or if it has two
    words or more and is used CERTAIN times as often for its own species (`n_own`) as
    elsewhere (`n_other`): `large white` is mostly no butterfly.

    >>> texts = ["A Big Cus rests.", "It is like a Big Cus.", "A Very Big Cus rests.", "A big cus rests."]
    >>> [is_subject_mention(text, "big cus", scientific=False, n_own=0, n_other=1) for text in texts]
    [True, False, False, False]
    """
    text, found = _found(text)
    small, words = _small(found), words.split(" ")
    surely = scientific or len(words) > 1 and n_own >= MIN_USE_RATIO * max(n_other, 1)
    for start in _places(small, words):
        end = start + len(words)
        if not _is_beside(small[:start]) and (surely or _is_whole_name(text, found, start, end)):
            return True
    return False


def _found(text):
    text = APOSTROPHE.sub("", text)
    return text, list(WORD.finditer(text))


def _small(found):
    return [word[0].lower() for word in found]


def _places(small, words):
    return [at for at in range(len(small) - len(words) + 1) if small[at : at + len(words)] == words]


def _is_beside(before):
    if before and before[-1] in _ARTICLES:
        before = before[:-1]
    return bool(before) and before[-1] in CONTEXT_WORDS


def _is_whole_name(text, found, start, end):
    """Whether a name begins and ends with a capital and no word beside it belongs to it as well."""
    if not (_has_capital(found[start]) and _has_capital(found[end - 1])):
        return False
    before = start > 0 and _goes_on(text, found[start - 1], found[start], beside=found[start - 1])
    after = end < len(found) and _goes_on(text, found[end - 1], found[end], beside=found[end])
    return not (before or after)


def _goes_on(text, first, second, *, beside):
    between = text[first.end() : second.start()]
    part_of_name = _has_capital(beside) and beside[0].lower() not in NO_NAMES
    return between == "-" or (between == " " and part_of_name)


def _has_capital(word):
    return word[0][0].isupper()
