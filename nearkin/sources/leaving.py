"""Names of files that lead out of a folder, on any operating system."""

import re

LEAVES = r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:"
"""A regular expression for what such a name has in it."""


def leaves(name):
    r"""Whether a listed name leads out of the dataset's folder.

    >>> [leaves(name) for name in ["a/b.jpg", "../a.jpg", "a/../../b", "/etc/a", "..\\boot.ini", "C:\\a"]]
    [False, True, True, True, True, True]
    """
    return bool(re.search(LEAVES, name))
