"""Delivered text as the pages show it: short, and with nothing in it that hides or turns round."""

import re

INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u1680\u180e\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Controls, marks of direction, what has no width, and white space that looks like a plain space."""


def escape_invisible(text, longest=160):
    """The first `longest` characters of a text, unseen ones by their number.

    >>> escape_invisible("fish\\u202egpj.exe", 6), escape_invisible("fish", 4)
    ('fish‹U+202E›g…', 'fish')
    """
    cut = text[:longest] + "…" if len(text) > longest else text
    return INVISIBLE.sub(lambda found: f"‹U+{ord(found[0]):04X}›", cut)


def humanise(name):
    """A word of a table as it is read.

    >>> humanise("label_conflict")
    'label conflict'
    """
    return escape_invisible(name.replace("_", " "), 40)
