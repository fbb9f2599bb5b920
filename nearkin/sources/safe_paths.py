"""Whether a file lies inside a folder, links followed. Other files are never opened.

`trusted` are further folders that count as inside: those of `source.follow_links`. Small on
purpose: all code that opens images imports it, and a change here reruns that.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

AnyPath = str | os.PathLike[str]

ABSENT_ERRNOS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""Errors of the system for files that do not exist."""

ESCAPE_PATTERN = r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:"
"""A regular expression for the parts of a name that lead out."""


class UnreadableError(Exception):
    """A file or folder that is there and cannot be read. No ValueError: it always stops the run."""


@contextmanager
def raise_if_unreadable(path: AnyPath) -> Iterator[None]:
    """A context that raises UnreadableError, with a remedy, if the system refuses or fails to read `path`.

    The error that there is no such file stays as it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno in ABSENT_ERRNOS:
            raise
        remedy = "see that its disk answers"
        if isinstance(error, PermissionError):
            remedy = "give this user the permission to read it, or move it out of the dataset's folder"
        raise UnreadableError(
            f"{path}: cannot be read ({error.strerror}): {remedy}, then start again"
        ) from error


def is_inside(folder: AnyPath, path: AnyPath, trusted: Iterable[AnyPath] = ()) -> bool:
    """Whether a path lies below `folder` or a trusted one, links followed."""
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(os.path.realpath(root)) for root in (folder, *trusted))


def resolve_inside(folder: AnyPath, path: str, trusted: Iterable[AnyPath] = ()) -> Path:
    """The whole path of a file of `folder`. Raises ValueError if it lies outside or is no plain file."""
    whole = os.path.join(folder, path)
    if classify_path(folder, whole, trusted) != "file":
        raise ValueError(f"{path}: is not a file inside {str(folder)!r}")
    return Path(whole)


def safe_opener(folder: AnyPath, trusted: Iterable[AnyPath] = ()) -> Callable[[str], BinaryIO]:
    """A function that opens a file of `folder`, given its path there, as a binary file.

    It raises ValueError if the file lies outside or is no plain file, OSError if it is not there,
    UnreadableError if it cannot be read. Suited to many files: their folders are looked up once, and only
    links are resolved one by one.
    """
    trusted = tuple(trusted)

    @cache
    def inside(parent: str) -> bool:
        return is_inside(folder, parent, trusted)

    def opened(path: str) -> BinaryIO:
        whole = os.path.join(folder, path)
        if not inside(os.path.dirname(whole)):
            raise ValueError(f"{path}: is not a file inside {str(folder)!r}")
        with raise_if_unreadable(whole):
            try:  # without blocking, for it may be a pipe
                handle = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                return open(resolve_inside(folder, path, trusted), "rb")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise ValueError(f"{path}: is not a file inside {str(folder)!r}")
        return os.fdopen(handle, "rb")

    return opened


def classify_path(folder: AnyPath, path: AnyPath, trusted: Iterable[AnyPath] = ()) -> str:
    """file: a plain file inside; outside: a link that leads out; other: neither.

    Raises UnreadableError if the system fails to answer.
    """
    if not is_inside(folder, path, trusted):
        return "outside"
    try:
        with raise_if_unreadable(path):
            return "file" if stat.S_ISREG(os.stat(path).st_mode) else "other"
    except OSError:
        return "other"


def escapes_folder(name: str) -> bool:
    r"""Whether a listed name leads out of the dataset's folder.

    >>> [escapes_folder(name) for name in ["a/b.jpg", "../a.jpg", "a/../../b", "/etc/a", "..\\a", "C:\\a"]]
    [False, True, True, True, True, True]
    """
    return bool(re.search(ESCAPE_PATTERN, name))
