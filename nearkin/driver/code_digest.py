"""What a step depends on besides its data: its code, and the content of files."""

import ast
import hashlib
import json
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from nearkin.storage.atomic import file_sha256, write_text

PACKAGE = "nearkin"


NEUTRAL_MODULES = {"nearkin/runtime/prefetch.py", "nearkin/runtime/logs.py", "nearkin/runtime/memory.py"}
"""Modules that cannot change a result: they only say how a step goes, or decide when it reads what."""


def code_digest(root: str | Path, script: str) -> str:
    """A digest of what a script computes: of its syntax tree and of those of the project modules it imports.

    Snakemake does not look inside the modules that a script imports; as a parameter, the digest reruns
    the step when what it computes may have changed, whatever the dates of the files. Comments,
    docstrings, annotations, positions, imports that only annotations need, and the modules in NEUTRAL
    do not count.
    """
    digests = code_files(root, script).items()
    lines = "".join(f"{file} {digest}\n" for file, digest in digests if file not in NEUTRAL_MODULES)
    return hashlib.sha256(lines.encode()).hexdigest()


def code_files(root: str | Path, script: str) -> dict[str, str]:
    """A script and every project module whose names it uses, directly or not, by path, with digests."""
    found: dict[str, str] = {}
    waiting = [script]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file], imported = _read_module(Path(root), file)
            waiting += imported
    return dict(sorted(found.items()))


@cache  # modules are imported by many scripts: most of the time in which a workflow is read
def _read_module(root: Path, module: str) -> tuple[str, list[str]]:
    """The digest of a module's own code, and the project modules that it imports, as paths below `root`."""
    tree = _OnlyCode().visit(ast.parse((root / module).read_text(encoding="utf-8")))
    imports = _UsedImports({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    digest = hashlib.sha256(_as_text(imports.visit(tree)).encode()).hexdigest()
    return digest, _module_files(root, sorted(imports.modules))


def _as_text(part: object) -> str:
    """A syntax tree as text that is the same in every version of Python: without what is empty."""
    if isinstance(part, ast.AST):
        fields = [
            f"{name}={_as_text(value)}" for name, value in ast.iter_fields(part) if value not in (None, [])
        ]
        return f"{type(part).__name__}({', '.join(fields)})"
    if isinstance(part, list):
        return f"[{', '.join(map(_as_text, part))}]"
    return repr(part)


class _UsedImports(ast.NodeTransformer):
    """Takes imports of what is not used out of a syntax tree, and collects the names of the other modules."""

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
        node.names = [each for each in node.names if (each.asname or each.name.split(".")[0]) in self._used]


class _OnlyCode(ast.NodeTransformer):
    """Takes docstrings and other bare texts, and annotations, out of a syntax tree."""

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


def _module_files(root: Path, names: list[str]) -> list[str]:
    """The files of those modules that are the project's own."""
    own = [name.replace(".", "/") for name in names if name.split(".")[0] == PACKAGE]
    files = [file for name in own for file in (f"{name}.py", f"{name}/__init__.py")]
    return [file for file in files if (root / file).is_file()]


class FileDigests:
    """The sha256 of files' contents, remembered by what a change of the content must change.

    Of large files, such as checkpoints, the digest is kept in `store` between runs, under the file's
    device, inode, size and times of change: a run is planned without reading them again.
    """

    SMALL = 2**20
    """Bytes up to which reading a file is as quick as looking its digest up."""

    def __init__(self, store: str | Path) -> None:
        self._store = Path(store)
        self._known: dict[str, list] = {}

    def digest(self, path: str | Path) -> str | None:
        """The digest of a file; None if there is none."""
        path = os.path.abspath(path)
        if not os.path.isfile(path):
            return None
        found = os.stat(path)
        state = [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
        kept = self._known.get(path) or self._stored().get(path)
        if kept and kept[0] == state:
            return kept[1]
        digest = file_sha256(path)
        self._known[path] = [state, digest]
        if found.st_size > self.SMALL:
            with suppress(OSError):  # a folder that cannot be written only costs time
                write_text(self._store, json.dumps(self._stored() | {path: [state, digest]}))
        return digest

    def _stored(self) -> dict[str, list]:
        try:
            stored = json.loads(self._store.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}
