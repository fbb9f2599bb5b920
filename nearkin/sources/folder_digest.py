"""A digest of a delivered folder, by which a run notices that it changed."""

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from nearkin.sources.folder_tree import list_folders
from nearkin.sources.safe_paths import AnyPath, classify_path, raise_if_unreadable

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
"""Extensions of tables and captions, in lower case."""
MAX_READ_BYTES = 2**26
"""Size up to which a text is read whenever a run is planned, which takes seconds for 100,000 captions."""


def digest_folder(folder: AnyPath, trusted: Iterable[AnyPath] = ()) -> str:
    """A digest of the names and sizes of all files below `folder`, and of the content of texts and tables.

    Links into the `trusted` folders are followed; of other linked folders, the target counts.

    It changes when a file is added, removed, renamed or changes its size, and when a caption or a
    table is edited; not by a touch or a copy. For texts beyond MAX_READ_BYTES, the time of the last
    change counts instead of the content. Hidden files do not count. An image replaced by
    another of the same size is noticed later, by its checksum, when it is decoded.
    """
    digest, trusted = hashlib.sha256(), tuple(trusted)
    for entry in list_folders(folder, trusted):
        if entry.left_out:
            line = f"{entry.path}\0{entry.left_out}\0{entry.leads_to}\0"
            digest.update(line.encode(errors="surrogateescape"))
        for name in entry.files:
            path = os.path.join(folder, entry.path, name)
            with raise_if_unreadable(path):
                status = os.lstat(path)
                is_link = stat.S_ISLNK(status.st_mode)
                if trusted and is_link and classify_path(folder, path, trusted) == "file":
                    status = os.stat(path)
            line = f"{os.path.join(entry.path, name)}\0{status.st_size}\0"
            digest.update(line.encode(errors="surrogateescape"))
            if name.lower().endswith(TEXT_SUFFIXES):
                digest.update(_read_text(path, status))
    return digest.hexdigest()


def _read_text(path: str, status: os.stat_result) -> bytes:
    """The content of a text, or, for a huge one, the time of its last change."""
    if status.st_size > MAX_READ_BYTES:
        return f"{status.st_mtime_ns}".encode()
    with raise_if_unreadable(path):
        return Path(path).read_bytes() if stat.S_ISREG(status.st_mode) else b""
