"""Texts that are no captions: messages of programs, file names and data, and words that say nothing.

Patterns work in Python and in polars, as in `error_patterns`.
"""

import re
import string

import polars as pl

from nearkin.captions.error_patterns import ERROR_CLASS, ERROR_PHRASES, ERROR_PREFIX

NOT_PROSE = (
    r"(?i)^\S*\.(?:jpe?g|png|gif|tiff?|webp|bmp|heic|svg|txt|json|csv|xml|html?|parquet|npy|pt)[^\w\s]*$",
    r"(?i)^[\w ()-]*\.(?:jpe?g|png|gif|tiff?|webp|bmp|heic|svg)$",
    r"(?i)^\W*(?:(?:https?|ftp|file|data|s3|gs|blob):|www\.)\S*$",
    r"(?i)^(?:[a-z]:[\\/]|\\\\|~?/|\.\.?[\\/]).*\.\w{2,7}$",
    r"^[!-/:-~]*\d[!-~]*$",
    r"""^(?:\{|\[ ?\{?) ?["']""",
)
"""Whole captions that are a file name, an address, a path, one word with a digit in it, or data."""

PLACEHOLDERS = (
    r"\{[\w .:-]*\}",
    r"\$\{",
    r"\[(?:INSERT|ADD|YOUR|CAPTION|DESCRIPTION|IMAGE|SPECIES|NAME|BLANK|MASK|PLACEHOLDER)\b",
    r"(?i)lorem ipsum",
)
"""Templates that nobody filled in, and dummy text."""

_FILLER = """
a an the this that these it its is are was be been has have of for to from in with on as at by and or
no not non none nothing null nil nan na nonetype without missing absent empty blank void invalid unknown
undefined undetermined unspecified unidentified untitled unnamed unlabeled unlabelled unavailable
available provided given found yet applicable pending needed required exists exist
tbd tba tbc todo fixme xx xxx xxxx foo bar baz asdf qwerty dummy sample example default test testing
placeholder ok true false yes success result output response unk
image images photo photos photograph picture pictures pic thumbnail stock figure fig img
caption captions description descriptions text texts title label annotation comment metadata
alt string value field data content information info
add added insert enter write type fill put click select edit your here goes will determined come
coming soon generate generated see above below same ditto
"""
FILLER = frozenset(_FILLER.split()) | frozenset(string.ascii_lowercase)
"""Words that make no caption by themselves."""

_ONLY_FILLER = r"(?i)^[^a-z]*(?:(?:" + "|".join(sorted(FILLER)) + r")(?:[^a-z]+|$))*$"

_ERRORS = re.compile(ERROR_PREFIX), re.compile(ERROR_CLASS)
_NOT_PROSE = [re.compile(pattern) for pattern in NOT_PROSE]
_PLACEHOLDERS = [re.compile(pattern) for pattern in PLACEHOLDERS]
_WORD = re.compile(r"[^\W\d_]+")


def caption_defect(text: str) -> str | None:
    """What makes a text, free of markup and stray spaces, unusable as a caption; None if nothing does.

    >>> texts = ["Error: no image", "fish_01.jpg", "A photo of", "An unknown fish."]
    >>> [caption_defect(text) for text in texts]
    ['error_text', 'not_prose', 'placeholder', None]
    """
    plain = text.replace("\u2019", "'")  # as in can't
    lower = plain.lower()
    if is_filler(plain) or any(pattern.search(plain) for pattern in _PLACEHOLDERS):
        return "placeholder"
    if any(phrase in lower for phrase in ERROR_PHRASES) or any(pattern.search(plain) for pattern in _ERRORS):
        return "error_text"
    return "not_prose" if any(pattern.search(plain) for pattern in _NOT_PROSE) else None


def is_filler(text: str) -> bool:
    """Whether no word of a text says anything.

    >>> [is_filler(text) for text in ["No caption available.", "Image 12", "None of its fins", "..."]]
    [True, True, False, True]
    """
    return all(word.lower() in FILLER for word in _WORD.findall(text))


def is_unusable_expr(text: pl.Expr) -> pl.Expr:
    """Expression: true for every text in which `caption_defect` finds a defect, and for few others.

    That holds for texts of ASCII characters and the letters of western Europe; a test
    compares the two.
    """
    plain = text.str.replace_all("\u2019", "'", literal=True)
    patterns = [ERROR_PREFIX, ERROR_CLASS, *NOT_PROSE, *PLACEHOLDERS, _ONLY_FILLER]
    return pl.any_horizontal(
        plain.str.contains_any(list(ERROR_PHRASES), ascii_case_insensitive=True),
        *(plain.str.contains(pattern) for pattern in patterns),
    )
