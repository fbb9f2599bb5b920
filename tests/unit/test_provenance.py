"""Which files a step depends on."""

import ast
import errno
import hashlib
import os
from pathlib import Path

import pytest

from nearkin import provenance
from nearkin.sources.safe_paths import Unreadable
from tests.unit.unreadable import failing

ROOT = Path(__file__).parents[2]


SCRIPT = """\"\"\"A script.\"\"\"

from nearkin import logs
from nearkin.sums import add

logs.log_to("a")
print(add(1, 2))
"""
MODULE = """def add(a, b):
    return a + b
"""


@pytest.fixture
def project(tmp_path):
    """A script, a module that it imports, one that cannot matter, and one that it does not import."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "nearkin").mkdir()
    (tmp_path / "scripts/a.py").write_text(SCRIPT)
    for name, text in (("sums", MODULE), ("logs", ""), ("__init__", ""), ("other", "")):
        (tmp_path / f"nearkin/{name}.py").write_text(text)
    return tmp_path


def digest(project):
    provenance._read_module.cache_clear()
    return provenance.code_digest(project, "scripts/a.py")


@pytest.mark.parametrize(
    "text",
    [
        "# A comment.\n" + MODULE,
        MODULE.replace("(a, b)", "(a: int, b: int = None) -> int").replace(" = None", ""),
        "from collections.abc import Sized\n" + MODULE.replace("(a, b)", "(a: Sized, b)"),
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
    text = provenance._as_text(ast.parse("def f(a=None): return [a, 0]"))
    returned = "List(elts=[Name(id='a', ctx=Load()), Constant(value=0)], ctx=Load())"
    arguments = "arguments(args=[arg(arg='a')], defaults=[Constant()])"
    function = f"FunctionDef(name='f', args={arguments}, body=[Return(value={returned})])"
    assert text == f"Module(body=[{function}])"


@pytest.mark.parametrize(
    "text", [MODULE.replace("+", "-"), MODULE + "TWO = 2\n", "from nearkin.other import add\n\nprint(add)\n"]
)
def test_another_constant_operator_or_import_is_other_code(project, text):
    before = digest(project)
    (project / "nearkin/sums.py").write_text(text)
    assert digest(project) != before


def test_the_code_of_every_script_has_a_digest_wherever_the_project_lies(monkeypatch, tmp_path):
    scripts = [f"scripts/{path.name}" for path in sorted((ROOT / "scripts").glob("*.py"))]
    before = [provenance.code_digest(ROOT, script) for script in scripts]
    monkeypatch.chdir(tmp_path)
    assert [provenance.code_digest(os.path.relpath(ROOT), script) for script in scripts] == before
    assert len(set(before)) == len(scripts)


def test_the_curators_pages_do_not_hang_on_intervals():
    for script in ("write_audit", "check_curation", "describe_dataset"):
        assert "nearkin/cells.py" not in provenance.code_files(ROOT, f"scripts/{script}.py")


def test_a_files_digest_sees_its_content_whatever_its_date(tmp_path, monkeypatch):
    path, store = tmp_path / "mine.bin", tmp_path / "digests.json"
    monkeypatch.setattr(provenance.FileDigests, "SMALL", 2)
    path.write_bytes(b"worse")
    os.utime(path, (1, 1))
    before = provenance.FileDigests(store).digest(path)
    (tmp_path / "better.bin").write_bytes(b"other")
    os.utime(tmp_path / "better.bin", (1, 1))
    os.replace(tmp_path / "better.bin", path)
    after = provenance.FileDigests(store).digest(path)
    assert before != after == provenance.file_sha256(path)
    monkeypatch.setattr(provenance, "file_sha256", None)  # known from the store
    assert provenance.FileDigests(store).digest(path) == after
    assert provenance.FileDigests(store).digest(tmp_path / "none") is None
    store.write_text("damaged")
    monkeypatch.undo()
    assert provenance.FileDigests(store).digest(path) == after


def test_a_folders_digest_sees_new_renamed_and_resized_files_but_no_touch(tmp_path):
    (tmp_path / "a.jpg").write_text("1")
    seen = [provenance.folder_digest(tmp_path)]
    (tmp_path / "a.jpg").touch()
    assert provenance.folder_digest(tmp_path) == seen[0]
    (tmp_path / "b.jpg").write_text("1")
    seen.append(provenance.folder_digest(tmp_path))
    (tmp_path / "b.jpg").rename(tmp_path / "c.jpg")
    seen.append(provenance.folder_digest(tmp_path))
    (tmp_path / "c.jpg").write_text("22")
    seen.append(provenance.folder_digest(tmp_path))
    assert len(set(seen)) == 4


def test_a_folders_digest_sees_edited_texts_and_no_hidden_files(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("one")
    seen = [provenance.folder_digest(tmp_path)]
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/b.txt").write_text("b")
    (tmp_path / "a.txt").touch()
    assert provenance.folder_digest(tmp_path) == seen[0]
    (tmp_path / "a.txt").write_text("two")
    seen.append(provenance.folder_digest(tmp_path))
    monkeypatch.setattr(provenance, "READ_UP_TO", 2)
    seen.append(provenance.folder_digest(tmp_path))
    os.utime(tmp_path / "a.txt", (1, 1))
    seen.append(provenance.folder_digest(tmp_path))
    assert len(set(seen)) == 4


def test_a_folders_digest_stays_as_it_was_without_links(tmp_path):
    for path, text in {"b/x.jpg": "1", "b/c/y.txt": "said", "a.jpg": "22", "z/.hidden/w.jpg": "3"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    lines = b"a.jpg\x002\0" + b"b/x.jpg\x001\0" + b"b/c/y.txt\x004\0said"
    assert provenance.folder_digest(tmp_path) == hashlib.sha256(lines).hexdigest()


def test_a_folders_digest_sees_linked_folders_and_what_is_in_trusted_ones(tmp_path):
    for name in ("d", "big", "other"):
        (tmp_path / name).mkdir()
    seen = [provenance.folder_digest(tmp_path / "d")]
    (tmp_path / "d/in").symlink_to("../big")
    seen.append(provenance.folder_digest(tmp_path / "d"))
    (tmp_path / "big/a.jpg").write_text("1")
    assert provenance.folder_digest(tmp_path / "d") == seen[-1]
    seen.append(provenance.folder_digest(tmp_path / "d", [tmp_path / "big"]))
    (tmp_path / "big/a.jpg").write_text("22")
    seen.append(provenance.folder_digest(tmp_path / "d", [tmp_path / "big"]))
    (tmp_path / "other/one.txt").write_text("1")
    (tmp_path / "d/one.txt").symlink_to("../other/one.txt")
    trusted = [tmp_path / "big", tmp_path / "other"]
    seen.append(provenance.folder_digest(tmp_path / "d", trusted))
    (tmp_path / "other/one.txt").write_text("2")
    seen.append(provenance.folder_digest(tmp_path / "d", trusted))
    (tmp_path / "d/in").unlink()
    (tmp_path / "d/in").symlink_to("../other")
    seen.append(provenance.folder_digest(tmp_path / "d"))
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", ["scandir", "lstat"])
def test_a_folder_whose_digest_cannot_be_taken_is_named(tmp_path, monkeypatch, name):
    (tmp_path / "Fish").mkdir()
    (tmp_path / "Fish/a.jpg").write_text("1")
    culprit = tmp_path / ("Fish" if name == "scandir" else "Fish/a.jpg")
    monkeypatch.setattr(os, name, failing(getattr(os, name), culprit, errno.EIO))
    with pytest.raises(Unreadable, match=f"{culprit}: cannot be read .*see that its disk answers"):
        provenance.folder_digest(tmp_path)


def test_a_text_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "captions.csv").write_text("1")
    monkeypatch.setattr(Path, "read_bytes", failing(Path.read_bytes, tmp_path / "captions.csv", errno.EACCES))
    with pytest.raises(Unreadable, match="captions.csv: cannot be read .*give this user the permission"):
        provenance.folder_digest(tmp_path)
