"""What a step depends on besides its data: its code, and the files of a folder."""

import ast
import hashlib
import os
import stat
from functools import cache
from pathlib import Path

PACKAGE = "nearkin"

TEXTS = (".csv", ".tsv", ".txt", ".parquet")
"""How tables and captions end, in small letters."""
READ_UP_TO = 2**26
"""Bytes of a text that are read whenever a run is planned, which costs seconds for 100,000 captions."""


def sources(root, script):
    """A script and every project module that it imports, directly or not, sorted.

    Snakemake does not look inside the modules that a script imports; declared as inputs,
    they rerun the step when their content changes. Paths are relative to the working
    directory, so that moving the checkout changes nothing.
    """
    found, waiting = set(), [Path(root) / script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(Path(root), path)
    return sorted(os.path.relpath(path) for path in found)


@cache  # modules are imported by many scripts: most of the time in which a workflow is read
def _imported(root, path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    modules = [root.joinpath(*name.split(".")) for name in sorted(names) if name.split(".")[0] == PACKAGE]
    files = [file for module in modules for file in (module.with_suffix(".py"), module / "__init__.py")]
    return [file for file in files if file.is_file()]


def folder_digest(folder):
    """A digest of the names and sizes of all files below `folder`, and of what its texts and tables say.

    It changes when a file comes, goes, is renamed or changes its size, and when a caption or a
    table is edited; not by a touch or a copy. Only of texts beyond READ_UP_TO bytes it is the
    time of the last change that counts. Hidden files do not count. An image replaced by
    another of the same size is noticed later, by its checksum, when it is decoded.
    """
    digest = hashlib.sha256()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = os.path.relpath(place, folder) + os.sep if place != folder else ""
        for name in sorted(name for name in files if not name.startswith(".")):
            path = os.path.join(place, name)
            found = os.lstat(path)
            line = f"{inside}{name}\0{found.st_size}\0"
            digest.update(line.encode(errors="surrogateescape"))
            if name.lower().endswith(TEXTS):
                digest.update(_said(path, found))
    return digest.hexdigest()


def _said(path, found):
    """What a text says, or, of a huge one, when it was changed last; nothing if it cannot be read."""
    if found.st_size > READ_UP_TO:
        return f"{found.st_mtime_ns}".encode()
    try:
        return Path(path).read_bytes() if stat.S_ISREG(found.st_mode) else b""
    except OSError:
        return b""
