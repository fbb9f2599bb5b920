"""Captions that are repaired where that is certain, or marked as unusable; the others stay as they are."""

import re
from collections.abc import Callable

import ftfy
import polars as pl
from tqdm import tqdm

from nearkin.captions.markup import strip_markup, unescape_code
from nearkin.captions.quality import caption_defect, is_filler, is_unusable_expr

MAX_CHARS = 2000
"""Characters of a caption; no encoder reads as many."""

MAX_PASSES = 10
"""Times that the repairs run; a text that still changes after that is hostile."""

CHUNK_TEXTS = 100_000
"""Texts held as Python objects at a time."""

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001]"
)
"""Without the joiners, which some writing systems need."""

SAFE_NON_ASCII = (
    "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u00b0\u00d7"  # quotes, dashes, degree, times
    "\u00c0\u00c1\u00c4-\u00d6\u00d8-\u00f6\u00f8-\u00ff"  # letters
)
"""Characters of western Europe that are no mojibake unless two of them are adjacent.

Without the two letters that may be, A with circumflex and A with tilde.
"""

SAFE_CHARS = rf"""A-Za-z0-9.,;:!?'"()/%+=@$^{SAFE_NON_ASCII}-"""
SAFE_TEXT = f"^[{SAFE_CHARS}]+(?: [{SAFE_CHARS}]+)*$"
"""Texts of single spaces and of characters that are part of no markup."""


def _truncate(text: str) -> str:
    return text if len(text) <= MAX_CHARS else text[:MAX_CHARS].rsplit(" ", 1)[0]


STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("markup", strip_markup),
    ("mojibake", ftfy.fix_encoding),
    ("escapes", unescape_code),
    ("invisible", lambda text: INVISIBLE.sub("", text)),
    ("whitespace", lambda text: " ".join(text.split())),
    ("too_long", _truncate),
)
"""The repairs of a caption, in this order, again and again until nothing changes."""


def clean(text: str) -> tuple[str, str | None, list[str]]:
    """The repaired caption, the defect that makes it unusable (or None), and the repairs made.

    A text that comes back without a defect is not changed by a second cleaning.

    >>> clean("  <p>A fish &amp; its\\r\\n reef </p>")
    ('A fish & its reef', None, ['markup', 'whitespace'])
    >>> clean("Error generating caption")[1], clean("N/A")[1], clean(" ")[1]
    ('error_text', 'placeholder', 'empty')
    """
    current, repairs = text, {}
    if len(text) > 10 * MAX_CHARS:  # before work that grows with the length
        current, repairs = text.strip()[: 10 * MAX_CHARS].rstrip(), {"too_long": None}
    for _ in range(MAX_PASSES):
        before = current
        for name, step in STEPS:
            changed = step(current)
            if changed != current:
                current, repairs[name] = changed, None
        if current == before:
            return current, _find_defect(current, text), list(repairs)
    return current, "hostile_markup", list(repairs)


def _find_defect(cleaned: str, text: str) -> str | None:
    if cleaned:
        return caption_defect(cleaned)
    start = text[:MAX_CHARS]
    return "placeholder" if re.search("[A-Za-z]{3}", start) and is_filler(start) else "empty"


def clean_distinct(texts: pl.Series) -> pl.DataFrame:
    """`text`, `defect` and `repairs` as from `clean`, by distinct text that is not `is_clean_expr`."""
    distinct = texts.to_frame("before").filter(~is_clean_expr(pl.col("before"))).unique().sort("before")
    schema = {"text": pl.String, "defect": pl.String, "repairs": pl.List(pl.String)}
    parts = [pl.DataFrame(schema={"before": pl.String} | schema)]
    with tqdm(total=len(distinct), unit=" captions", disable=None) as done:
        for part in distinct.iter_slices(CHUNK_TEXTS):
            rows = [clean(text) for text in part["before"]]
            parts.append(part.hstack(pl.DataFrame(rows, schema=schema, orient="row")))
            done.update(len(part))
    return pl.concat(parts)


def is_clean_expr(text: pl.Expr) -> pl.Expr:
    """Expression: true only where `clean` leaves a text as it is, and for most such texts."""
    short = pl.when(text.str.len_bytes() <= MAX_CHARS).then(text)
    plain = short.str.contains(SAFE_TEXT) & ~short.str.contains(f"[{SAFE_NON_ASCII}]{{2}}")
    return (plain & ~is_unusable_expr(short)).fill_null(False)
