"""The files of a delivered folder."""

import logging
import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from tqdm import tqdm

from nearkin.sources.folder_tree import list_folders
from nearkin.sources.safe_paths import AnyPath, classify_path, raise_if_unreadable

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp")
"""Extensions of image files, in lower case."""

NOT_ENTERED = {
    "linked_folder": "linked folder not followed, for source.follow_links does not name where it leads",
    "repeated_folder": "folder listed once only, at another place",
}
"""Why a folder is left out, as the log puts it."""

NOT_OPENED = {
    "broken_link": "link that leads nowhere, left out: is its disk there?",
    "not_a_file": "not a plain file, left out",
}
"""Why a file is left out."""


class FolderListing(NamedTuple):
    """What lies below a folder, relative to it: files to open, links that lead out, and the rest."""

    files: list[str]
    outside: list[str]
    left_out: list[tuple[str, str]]  # path, and why: of NOT_ENTERED or NOT_OPENED


def walk(folder: AnyPath, trusted: Iterable[AnyPath] = ()) -> FolderListing:
    """The files below `folder`, sorted, relative to it, with forward slashes.

    Hidden files are skipped. Linked folders are followed into the `trusted` ones; others,
    broken links, and what is neither file nor folder (pipes), are left out and logged. A link to
    a file counts as a file if its target lies in the folder or a trusted one. Names that are
    no UTF-8 come with escapes, so that they can be listed but not opened. Raises ValueError if
    there is no such folder, UnreadableError if one of them cannot be read.
    """
    if not os.path.isdir(folder):
        raise ValueError(f"no folder {str(folder)!r}: correct the dataset's source.folder")
    trusted = tuple(trusted)
    files: list[str] = []
    outside: list[str] = []
    left_out: list[tuple[str, str]] = []
    for entry in tqdm(list_folders(folder, trusted), unit=" folders", desc=str(folder), disable=None):
        if entry.left_out:
            path, why = _decode_name(entry.path), entry.left_out
            left_out.append((path, why))
            logger.warning("%s: %s (leads to %s)", NOT_ENTERED[why], path, _decode_name(entry.leads_to))
        for name in entry.files:
            whole = os.path.join(folder, entry.path, name)
            path = _decode_name(os.path.join(entry.path, name))
            # Only links into trusted folders are followed, so that a plain file lies inside.
            with raise_if_unreadable(whole):
                is_plain = stat.S_ISREG(os.lstat(whole).st_mode)
            kind = "file" if is_plain else classify_path(folder, whole, trusted)
            is_broken = not is_plain and not os.path.exists(whole)
            if is_broken or kind == "other":
                why = "broken_link" if is_broken else "not_a_file"
                left_out.append((path, why))
                logger.warning("%s: %s", NOT_OPENED[why], path)
            else:
                (files if kind == "file" else outside).append(path)
    logger.info("%d files below %s, %d links that lead out of it", len(files), folder, len(outside))
    return FolderListing(sorted(files), sorted(outside), sorted(left_out))


def is_image_name(path: str) -> bool:
    """Whether a file is named like an image."""
    return path.lower().endswith(IMAGE_SUFFIXES)


def _decode_name(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
