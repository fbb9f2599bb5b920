"""Whether a file lies inside a folder, links followed: what does not is never opened.

Small on purpose: whatever opens images imports it, and a change here reruns that.
"""

import errno
import os
import stat
from functools import cache
from pathlib import Path


def within(folder, path):
    """The whole path of a file of `folder`. Raises ValueError if it lies outside or is no plain file."""
    whole = os.path.join(folder, path)
    if kind_of(folder, whole) != "file":
        raise ValueError(f"{path}: is not a file inside {str(folder)!r}")
    return Path(whole)


def opener(folder):
    """A function that opens a file of `folder`, given its path there, as a binary file.

    It raises ValueError if the file lies outside or is no plain file, OSError if it cannot be
    opened. For many files: their folders are looked up once, and links are followed for links only.
    """

    @cache
    def inside(parent):
        return Path(os.path.realpath(parent)).is_relative_to(os.path.realpath(folder))

    def opened(path):
        whole = os.path.join(folder, path)
        if not inside(os.path.dirname(whole)):
            raise ValueError(f"{path}: is not a file inside {str(folder)!r}")
        try:  # without blocking, for it may be a pipe
            handle = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            return open(within(folder, path), "rb")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise ValueError(f"{path}: is not a file inside {str(folder)!r}")
        return os.fdopen(handle, "rb")

    return opened


def kind_of(folder, path):
    """file: a plain file inside; outside: a link that leads out; other: neither."""
    try:
        real = os.path.realpath(path)
        if not Path(real).is_relative_to(os.path.realpath(folder)):
            return "outside"
        return "file" if stat.S_ISREG(os.stat(real).st_mode) else "other"
    except OSError:
        return "other"
