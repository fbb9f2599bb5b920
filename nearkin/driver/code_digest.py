"""What a step depends on apart from its data: its code, and the content of files."""

import ast
import hashlib
import json
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from nearkin.storage.atomic import file_sha256, write_text

PACKAGE = "nearkin"

NEUTRAL_MODULES = {"nearkin/runtime/prefetch.py", "nearkin/runtime/logs.py", "nearkin/runtime/memory.py"}
"""Modules that cannot change a result: they report progress, or decide when a step reads its data."""


def code_digest(root: str | Path, script: str, function: str | None = None) -> str:
    """A digest of what a script computes: of its syntax tree and of those of the project modules it imports.

    Snakemake does not look inside the modules that a script imports. As a parameter, the digest reruns
    the step when what it computes may have changed, whatever the dates of the files. Comments,
    docstrings, annotations, positions, imports that only annotations need, and the modules in
    NEUTRAL_MODULES do not count. If a `function` is named, the script's other functions do not count either.
    """
    digests = code_files(root, script, function).items()
    lines = "".join(f"{file} {digest}\n" for file, digest in digests if file not in NEUTRAL_MODULES)
    return hashlib.sha256(lines.encode()).hexdigest()


def code_files(root: str | Path, script: str, function: str | None = None) -> dict[str, str]:
    """A script and every project module whose names it uses, directly or not, by path, with digests.

    Of a script's functions only one counts, if it is named.
    """
    digests: dict[str, str] = {}
    waiting = [script]
    while waiting:
        file = waiting.pop()
        if file not in digests:
            digests[file], imported = _read_module(Path(root), file, function if file == script else None)
            waiting += imported
    return dict(sorted(digests.items()))


@cache  # many scripts import the same modules; reading them takes most of the time to load the workflow
def _read_module(root: Path, module: str, function: str | None = None) -> tuple[str, list[str]]:
    """The digest of a module's own code, and the project modules that it imports, as paths below `root`."""
    tree = _OnlyCode().visit(ast.parse((root / module).read_text(encoding="utf-8")))
    if function:
        tree.body = [
            node for node in tree.body if not isinstance(node, ast.FunctionDef) or node.name == function
        ]
    imports = _UsedImports({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    digest = hashlib.sha256(_as_text(imports.visit(tree)).encode()).hexdigest()
    return digest, _module_files(root, sorted(imports.modules))


def _as_text(part: object) -> str:
    """A syntax tree as text that is the same in every version of Python: empty fields are left out."""
    if isinstance(part, ast.AST):
        fields = [
            f"{name}={_as_text(value)}" for name, value in ast.iter_fields(part) if value not in (None, [])
        ]
        return f"{type(part).__name__}({', '.join(fields)})"
    if isinstance(part, list):
        return f"[{', '.join(map(_as_text, part))}]"
    return repr(part)


class _UsedImports(ast.NodeTransformer):
    """Removes unused imports from a syntax tree and collects the names of the modules that stay."""

    def __init__(self, used: set[str]) -> None:
        self._used = used
        self.modules: set[str] = set()

    def visit_Import(self, node: ast.Import) -> ast.AST | None:
        self._keep_used(node)
        self.modules |= {alias.name for alias in node.names}
        return node if node.names else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        self._keep_used(node)
        if node.module and node.names:
            self.modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        return node if node.names else None

    def _keep_used(self, node: ast.Import | ast.ImportFrom) -> None:
        node.names = [name for name in node.names if (name.asname or name.name.split(".")[0]) in self._used]


class _OnlyCode(ast.NodeTransformer):
    """Removes docstrings and other bare texts, and annotations, from a syntax tree."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)  # fields of a dataclass are annotated names: these stay
        return self.generic_visit(node)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_If(self, node: ast.If) -> ast.AST | None:
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if is_for_types else self.generic_visit(node)


def _module_files(root: Path, names: list[str]) -> list[str]:
    """The files of those modules that are the project's own."""
    own = [name.replace(".", "/") for name in names if name.split(".")[0] == PACKAGE]
    files = [file for name in own for file in (f"{name}.py", f"{name}/__init__.py")]
    return [file for file in files if (root / file).is_file()]


class FileDigests:
    """The sha256 of files' contents, cached by metadata that changes whenever the content does.

    For large files, such as checkpoints, `store` keeps the digest between runs, under the file's
    device, inode, size and times of change: planning a run does not read them again.
    """

    SMALL_BYTES = 2**20
    """Size up to which reading a file is as quick as finding its digest in the store."""

    def __init__(self, store: str | Path) -> None:
        self._store = Path(store)
        self._cache: dict[str, list[Any]] = {}  # path: state, digest

    def digest(self, path: str | Path) -> str | None:
        """The digest of a file; None if there is none."""
        path = os.path.abspath(path)
        if not os.path.isfile(path):
            return None
        stat = os.stat(path)
        state = [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        cached = self._cache.get(path) or self._read_store().get(path)
        if cached and cached[0] == state:
            return cached[1]
        digest = file_sha256(path)
        self._cache[path] = [state, digest]
        if stat.st_size > self.SMALL_BYTES:
            with suppress(OSError):  # a folder that cannot be written only costs time
                write_text(self._store, json.dumps(self._read_store() | {path: [state, digest]}))
        return digest

    def _read_store(self) -> dict[str, list[Any]]:
        try:
            stored = json.loads(self._store.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}
