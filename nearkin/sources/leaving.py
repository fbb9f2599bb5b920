"""Names of files that lead out of a folder, on any operating system."""

import re

ESCAPE_PATTERN = r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:"
"""A regular expression for the parts of a name that lead out."""


def escapes_folder(name: str) -> bool:
    r"""Whether a listed name leads out of the dataset's folder.

    >>> [escapes_folder(name) for name in ["a/b.jpg", "../a.jpg", "a/../../b", "/etc/a", "..\\a", "C:\\a"]]
    [False, True, True, True, True, True]
    """
    return bool(re.search(ESCAPE_PATTERN, name))
