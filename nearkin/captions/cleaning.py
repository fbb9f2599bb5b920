"""Captions that are mended where that is certain, or else told useless; what is fine stays as it is."""

import re

import ftfy
import polars as pl
from tqdm import tqdm

from nearkin.captions.markup import strip_markup, unescape_code
from nearkin.captions.quality import caption_defect, is_filler, is_unusable_expr

LONGEST = 2000
"""Characters of a caption; no encoder reads as many."""

ROUNDS = 10
"""Times that the repairs are made; a text that still changes then is meant to do harm."""

CHUNK_TEXTS = 100_000
"""Texts that are held as Python objects at a time."""

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001]"
)
"""Without the joiners, which some scripts need."""

SINGLE = (
    "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u00b0\u00d7"  # quotes, dashes, degree, times
    "\u00c0\u00c1\u00c4-\u00d6\u00d8-\u00f6\u00f8-\u00ff"  # letters
)
"""Characters of western Europe that are no mojibake unless another one stands beside them.

Without the two letters that may be, A with circumflex and A with tilde.
"""

SOUND = rf"""A-Za-z0-9.,;:!?'"()/%+=@$^{SINGLE}-"""
PLAIN = f"^[{SOUND}]+(?: [{SOUND}]+)*$"
"""Texts of characters that are part of no markup, and of single spaces."""


def _shortened(text):
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0]


STEPS = (
    ("markup", strip_markup),
    ("mojibake", ftfy.fix_encoding),
    ("escapes", unescape_code),
    ("invisible", lambda text: INVISIBLE.sub("", text)),
    ("whitespace", lambda text: " ".join(text.split())),
    ("too_long", _shortened),
)
"""The repairs of a caption, in this order, again and again until nothing changes."""


def clean(text):
    """The mended caption, the defect that makes it useless (or None), and the repairs made.

    What comes back without a defect is not changed by a second cleaning.

    >>> clean("  <p>A fish &amp; its\\r\\n reef </p>")
    ('A fish & its reef', None, ['markup', 'whitespace'])
    >>> clean("Error generating caption")[1], clean("N/A")[1], clean(" ")[1]
    ('error_text', 'placeholder', 'empty')
    """
    mended, repairs = text, {}
    if len(text) > 10 * LONGEST:  # before work that grows with the length
        mended, repairs = text.strip()[: 10 * LONGEST].rstrip(), {"too_long": None}
    for _ in range(ROUNDS):
        before = mended
        for word, step in STEPS:
            changed = step(mended)
            if changed != mended:
                mended, repairs[word] = changed, None
        if mended == before:
            return mended, _defect(mended, text), list(repairs)
    return mended, "hostile_markup", list(repairs)


def _defect(mended, text):
    if mended:
        return caption_defect(mended)
    start = text[:LONGEST]
    return "placeholder" if re.search("[A-Za-z]{3}", start) and is_filler(start) else "empty"


def clean_distinct(texts):
    """`text`, `defect` and `repairs` as of `clean`, a row for each distinct text that is not sound."""
    distinct = texts.to_frame("before").filter(~is_sound(pl.col("before"))).unique().sort("before")
    schema = {"text": pl.String, "defect": pl.String, "repairs": pl.List(pl.String)}
    parts = [pl.DataFrame(schema={"before": pl.String} | schema)]
    with tqdm(total=len(distinct), unit=" captions", disable=None) as done:
        for part in distinct.iter_slices(CHUNK_TEXTS):
            found = [clean(text) for text in part["before"]]
            parts.append(part.hstack(pl.DataFrame(found, schema=schema, orient="row")))
            done.update(len(part))
    return pl.concat(parts)


def is_sound(text):
    """Expression: whether `clean` surely leaves a text as it is; true for most that it leaves."""
    short = pl.when(text.str.len_bytes() <= LONGEST).then(text)
    plain = short.str.contains(PLAIN) & ~short.str.contains(f"[{SINGLE}]{{2}}")
    return (plain & ~is_unusable_expr(short)).fill_null(False)
