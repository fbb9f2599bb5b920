"""Whether a file lies inside a folder, links followed: what does not is never opened.

Small on purpose: whatever opens images imports it, and a change here reruns that.
"""

import os
import stat
from pathlib import Path


def within(folder, path):
    """The whole path of a file of `folder`. Raises ValueError if it lies outside or is no plain file."""
    whole = os.path.join(folder, path)
    if kind_of(folder, whole) != "file":
        raise ValueError(f"{path}: is not a file inside {str(folder)!r}")
    return Path(whole)


def kind_of(folder, path):
    """file: a plain file inside; outside: a link that leads out; other: neither."""
    try:
        real = os.path.realpath(path)
        if not Path(real).is_relative_to(os.path.realpath(folder)):
            return "outside"
        return "file" if stat.S_ISREG(os.stat(real).st_mode) else "other"
    except OSError:
        return "other"
