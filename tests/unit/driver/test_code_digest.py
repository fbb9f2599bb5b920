"""The files that a step depends on."""

import ast
import os
from pathlib import Path

import pytest

from nearkin.driver import code_digest

ROOT = Path(__file__).parents[3]


SCRIPT = """\"\"\"A script.\"\"\"

from nearkin.runtime import logs
from nearkin.sums import add

logs.log_to("a")
print(add(1, 2))
"""
MODULE = """def add(a, b):
    return a + b
"""


@pytest.fixture
def project(tmp_path):
    """A script, a module that it imports, an ignored module, and one that it does not import."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "nearkin/runtime").mkdir(parents=True)
    (tmp_path / "scripts/a.py").write_text(SCRIPT)
    for name, text in (("sums", MODULE), ("runtime/logs", ""), ("__init__", ""), ("other", "")):
        (tmp_path / f"nearkin/{name}.py").write_text(text)
    return tmp_path


def digest(project):
    code_digest._read_module.cache_clear()
    return code_digest.code_digest(project, "scripts/a.py")


@pytest.mark.parametrize(
    "text",
    [
        "# A comment.\n" + MODULE,
        MODULE.replace("(a, b)", "(a: int, b: int = None) -> int").replace(" = None", ""),
        "from collections.abc import Sized\n" + MODULE.replace("(a, b)", "(a: Sized, b)"),
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from nearkin.other import A\n" + MODULE,
        MODULE.replace("    return", '    """The sum."""\n    return'),
    ],
)
def test_comments_docstrings_and_annotations_are_not_code(project, text):
    before = digest(project)
    (project / "nearkin/sums.py").write_text(text)
    (project / "nearkin/runtime/logs.py").write_text("CHANGED = True")
    (project / "nearkin/other.py").write_text("CHANGED = True")
    assert digest(project) == before


def test_code_has_the_same_text_in_every_version_of_python():
    text = code_digest._as_text(ast.parse("def f(a=None): return [a, 0]"))
    value = "List(elts=[Name(id='a', ctx=Load()), Constant(value=0)], ctx=Load())"
    arguments = "arguments(args=[arg(arg='a')], defaults=[Constant()])"
    function = f"FunctionDef(name='f', args={arguments}, body=[Return(value={value})])"
    assert text == f"Module(body=[{function}])"


@pytest.mark.parametrize(
    "text", [MODULE.replace("+", "-"), MODULE + "TWO = 2\n", "from nearkin.other import add\n\nprint(add)\n"]
)
def test_a_constant_operator_or_import_changes_the_digest(project, text):
    before = digest(project)
    (project / "nearkin/sums.py").write_text(text)
    assert digest(project) != before


def test_of_a_scripts_functions_only_the_named_one_and_its_imports_count(project):
    script = project / "scripts/a.py"

    def digest_of_f(other="", code="add(1, 2)"):
        script.write_text(
            f"from nearkin import other\nfrom nearkin.sums import add\n"
            f"def f():\n    return {code}\ndef g():\n    return other{other}\n"
        )
        code_digest._read_module.cache_clear()
        assert "nearkin/other.py" not in code_digest.code_files(project, "scripts/a.py", "f")
        return code_digest.code_digest(project, "scripts/a.py", "f")

    before = digest_of_f()
    assert digest_of_f(other=".changed") == before != digest_of_f(code="add(1, 3)")


def test_the_digest_of_every_script_is_independent_of_the_folder(monkeypatch, tmp_path):
    scripts = [f"scripts/{path.name}" for path in sorted((ROOT / "scripts").glob("*.py"))]
    before = [code_digest.code_digest(ROOT, script) for script in scripts]
    monkeypatch.chdir(tmp_path)
    assert [code_digest.code_digest(os.path.relpath(ROOT), script) for script in scripts] == before
    assert len(set(before)) == len(scripts)


def test_the_curation_scripts_do_not_depend_on_intervals():
    for script in ("write_audit", "check_curation", "describe_dataset"):
        assert "nearkin/evaluation/bootstrap.py" not in code_digest.code_files(ROOT, f"scripts/{script}.py")


def test_a_files_digest_depends_on_its_content_not_its_date(tmp_path, monkeypatch):
    path, digests_path = tmp_path / "mine.bin", tmp_path / "digests.json"
    monkeypatch.setattr(code_digest.FileDigests, "SMALL_BYTES", 2)
    path.write_bytes(b"worse")
    os.utime(path, (1, 1))
    before = code_digest.FileDigests(digests_path).digest(path)
    (tmp_path / "better.bin").write_bytes(b"other")
    os.utime(tmp_path / "better.bin", (1, 1))
    os.replace(tmp_path / "better.bin", path)
    after = code_digest.FileDigests(digests_path).digest(path)
    assert before != after == code_digest.file_sha256(path)
    monkeypatch.setattr(code_digest, "file_sha256", None)  # cached in the file
    assert code_digest.FileDigests(digests_path).digest(path) == after
    assert code_digest.FileDigests(digests_path).digest(tmp_path / "none") is None
    digests_path.write_text("damaged")
    monkeypatch.undo()
    assert code_digest.FileDigests(digests_path).digest(path) == after
