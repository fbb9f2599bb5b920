"""What a step depends on besides its data: its code, and the files of a folder."""

import ast
import hashlib
import os
from pathlib import Path

PACKAGE = "nearkin"


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
    """A digest of the names and sizes of all files below `folder`.

    It changes when a file comes, goes, is renamed or changes its size; not by a touch or a
    copy. A file replaced by another of the same size is noticed later, by its checksum,
    when it is decoded.
    """
    digest = hashlib.sha256()
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(place, name)
            size = os.lstat(path).st_size
            digest.update(f"{os.path.relpath(path, folder)}\0{size}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()
