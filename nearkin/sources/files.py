"""The files of a delivered folder, and the listed names that belong to them."""

import logging
import os
import re
import stat
import unicodedata
from collections import defaultdict
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from nearkin.sources.contained import kind_of

logger = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp")
"""How names of image files end, in small letters."""


class Found(NamedTuple):
    """The files below a folder, relative to it: what may be opened, and links that lead out of it."""

    files: list[str]
    outside: list[str]


def walk(folder):
    """The files below `folder`, sorted, relative to it, with forward slashes.

    Hidden files, what is neither file nor link (pipes, devices) and linked folders are
    left out and logged. A link to a file counts as a file if its target lies in the folder.
    Names that are no UTF-8 come with escapes, so that they can be listed but not opened.
    Raises ValueError if there is no such folder.
    """
    if not os.path.isdir(folder):
        raise ValueError(f"no folder {str(folder)!r}: mend the dataset's source.folder")
    files, outside = [], []
    for place, folders, names in os.walk(folder):
        linked = [name for name in folders if os.path.islink(os.path.join(place, name))]
        folders[:] = sorted(name for name in folders if name not in linked and not name.startswith("."))
        for name in linked:
            logger.warning("not followed, a linked folder: %s", _relative(place, name, folder))
        for name in names:
            if not name.startswith("."):
                whole, path = os.path.join(place, name), _relative(place, name, folder)
                # No link leads to a folder that is walked, so that a plain file in it lies inside.
                kind = "file" if stat.S_ISREG(os.lstat(whole).st_mode) else kind_of(folder, whole)
                if kind == "other":
                    logger.warning("left out, not a plain file: %s", path)
                else:
                    (files if kind == "file" else outside).append(path)
    return Found(sorted(files), sorted(outside))


def leaves(name):
    r"""Whether a listed name leads out of the dataset's folder, on any operating system.

    >>> [leaves(name) for name in ["a/b.jpg", "../a.jpg", "a/../../b", "/etc/a", "..\\boot.ini", "C:\\a"]]
    [False, True, True, True, True, True]
    """
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" and len(parts) > 1 or bool(re.match(r"[A-Za-z]:", name))


def is_image_name(path):
    """Whether a file is named like an image."""
    return path.lower().endswith(SUFFIXES)


class Matcher:
    """Finds the file that a listed name means.

    The rungs, best first: the same name, another Unicode form of it, another extension of
    an image (or the same in other case), another case or other spaces, underscores and
    escapes. The first rung with a file decides; if it has several, the name is ambiguous.
    """

    def __init__(self, files):
        self._by_key = [defaultdict(list) for _ in RUNGS]
        for path in files:
            for (_, key), found in zip(RUNGS, self._by_key, strict=True):
                found[key(PurePosixPath(path).name)].append(path)

    def find(self, listed, claimed=frozenset()):
        """Path and match of a listed name, with or without folders in front; path may be None.

        Files in `claimed` are only found by their exact name: they belong to that.
        """
        if leaves(listed):
            return None, "outside"
        folders, name = os.path.split(listed.replace("\\", "/"))
        folders = _nfc(folders).strip().removeprefix(".").removeprefix("/")
        for (match, key), by_key in zip(RUNGS, self._by_key, strict=True):
            candidates = [path for path in by_key.get(key(name), ()) if _ends_with(path, folders)]
            if match != "exact":
                candidates = [path for path in candidates if path not in claimed]
            if candidates:
                return (candidates[0], match) if len(candidates) == 1 else (None, "ambiguous")
        return None, "missing"


def _nfc(name):
    return unicodedata.normalize("NFC", name)


def _stem(name):
    stem, suffix = os.path.splitext(_nfc(name))
    return stem if suffix.lower() in SUFFIXES else _nfc(name)


RUNGS = [
    ("exact", str),
    ("unicode", _nfc),
    ("extension", _stem),
    ("case", lambda name: re.sub(r"[\s_]+", " ", _stem(unquote(name).strip())).casefold()),
]


def _ends_with(path, folders):
    if not folders:
        return True
    parent = _nfc(os.path.dirname(path))
    return parent == folders or parent.endswith("/" + folders)


def _relative(place, name, folder):
    path = os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
