"""Which files a step depends on."""

import os
from pathlib import Path

from nearkin import provenance

ROOT = Path(__file__).parents[2]


def test_a_scripts_own_modules_are_found_and_no_others(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = provenance.sources(ROOT, "scripts/split_images.py")
    assert {"scripts/split_images.py", "nearkin/splits.py", "nearkin/tables/splits.py"} <= set(found)
    assert "nearkin/neighbours.py" not in found
    assert found == sorted(found)


def test_paths_are_relative_to_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = provenance.sources(ROOT, "scripts/split_images.py")
    assert all(not Path(path).is_absolute() and Path(path).exists() for path in found)


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
