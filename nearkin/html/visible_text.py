"""Delivered text as the pages show it: short, and without hidden or direction-changing characters."""

import re

INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u1680\u180e\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control characters, direction marks, zero-width characters, and white space that looks like a space."""


def escape_invisible(text: str, max_chars: int = 160) -> str:
    """The first `longest` characters of a text, invisible ones by their code points.

    >>> escape_invisible("fish\\u202egpj.exe", 6), escape_invisible("fish", 4)
    ('fish‹U+202E›g…', 'fish')
    """
    cut = text[:max_chars] + "…" if len(text) > max_chars else text
    return INVISIBLE.sub(lambda match: f"‹U+{ord(match[0]):04X}›", cut)


def humanise(name: str) -> str:
    """A name from a table in words.

    >>> humanise("label_conflict")
    'label conflict'
    """
    return escape_invisible(name.replace("_", " "), 40)
