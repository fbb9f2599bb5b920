"""The files of a delivered folder."""

import logging
import os
import stat
from typing import NamedTuple

from tqdm import tqdm

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
    for place, folders, names in tqdm(os.walk(folder), unit=" folders", desc=str(folder), disable=None):
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
    logger.info("%d files below %s, %d links that lead out of it", len(files), folder, len(outside))
    return Found(sorted(files), sorted(outside))


def is_image_name(path):
    """Whether a file is named like an image."""
    return path.lower().endswith(SUFFIXES)


def _relative(place, name, folder):
    path = os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
