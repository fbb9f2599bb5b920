"""A digest of a delivered folder, by which a run notices that it changed."""

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from nearkin.sources.folder_tree import list_folders
from nearkin.sources.safe_paths import AnyPath, classify_path, raise_if_unreadable

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
"""How tables and captions end, in small letters."""
MAX_READ_BYTES = 2**26
"""Bytes of a text that are read whenever a run is planned, which costs seconds for 100,000 captions."""


def folder_digest(folder: AnyPath, trusted: Iterable[AnyPath] = ()) -> str:
    """A digest of the names and sizes of all files below `folder`, and of what its texts and tables say.

    Links into the `trusted` folders are followed; of other linked folders counts where they lead.

    It changes when a file comes, goes, is renamed or changes its size, and when a caption or a
    table is edited; not by a touch or a copy. Only of texts beyond READ_UP_TO bytes it is the
    time of the last change that counts. Hidden files do not count. An image replaced by
    another of the same size is noticed later, by its checksum, when it is decoded.
    """
    digest, trusted = hashlib.sha256(), tuple(trusted)
    for place in list_folders(folder, trusted):
        if place.left_out:
            line = f"{place.path}\0{place.left_out}\0{place.leads_to}\0"
            digest.update(line.encode(errors="surrogateescape"))
        for name in place.files:
            path = os.path.join(folder, place.path, name)
            with raise_if_unreadable(path):
                found = os.lstat(path)
                if trusted and stat.S_ISLNK(found.st_mode) and classify_path(folder, path, trusted) == "file":
                    found = os.stat(path)
            line = f"{os.path.join(place.path, name)}\0{found.st_size}\0"
            digest.update(line.encode(errors="surrogateescape"))
            if name.lower().endswith(TEXT_SUFFIXES):
                digest.update(_digest_text(path, found))
    return digest.hexdigest()


def _digest_text(path: str, found: os.stat_result) -> bytes:
    """What a text says, or, of a huge one, when it was changed last."""
    if found.st_size > MAX_READ_BYTES:
        return f"{found.st_mtime_ns}".encode()
    with raise_if_unreadable(path):
        return Path(path).read_bytes() if stat.S_ISREG(found.st_mode) else b""
