"""A folder's digest sees what changed in it."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from nearkin.sources import folder_digest as module
from nearkin.sources.folder_digest import digest_folder
from nearkin.sources.safe_paths import UnreadableError
from tests.factories.unreadable import failing


def test_a_folders_digest_sees_new_renamed_and_resized_files_but_no_touch(tmp_path):
    (tmp_path / "a.jpg").write_text("1")
    seen = [digest_folder(tmp_path)]
    (tmp_path / "a.jpg").touch()
    assert digest_folder(tmp_path) == seen[0]
    (tmp_path / "b.jpg").write_text("1")
    seen.append(digest_folder(tmp_path))
    (tmp_path / "b.jpg").rename(tmp_path / "c.jpg")
    seen.append(digest_folder(tmp_path))
    (tmp_path / "c.jpg").write_text("22")
    seen.append(digest_folder(tmp_path))
    assert len(set(seen)) == 4


def test_a_folders_digest_sees_edited_texts_and_no_hidden_files(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("one")
    seen = [digest_folder(tmp_path)]
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/b.txt").write_text("b")
    (tmp_path / "a.txt").touch()
    assert digest_folder(tmp_path) == seen[0]
    (tmp_path / "a.txt").write_text("two")
    seen.append(digest_folder(tmp_path))
    monkeypatch.setattr(module, "MAX_READ_BYTES", 2)
    seen.append(digest_folder(tmp_path))
    os.utime(tmp_path / "a.txt", (1, 1))
    seen.append(digest_folder(tmp_path))
    assert len(set(seen)) == 4


def test_a_folders_digest_stays_as_it_was_without_links(tmp_path):
    for path, text in {"b/x.jpg": "1", "b/c/y.txt": "said", "a.jpg": "22", "z/.hidden/w.jpg": "3"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    lines = b"a.jpg\x002\0" + b"b/x.jpg\x001\0" + b"b/c/y.txt\x004\0said"
    assert digest_folder(tmp_path) == hashlib.sha256(lines).hexdigest()


def test_a_folders_digest_sees_linked_folders_and_what_is_in_trusted_ones(tmp_path):
    for name in ("d", "big", "other"):
        (tmp_path / name).mkdir()
    seen = [digest_folder(tmp_path / "d")]
    (tmp_path / "d/in").symlink_to("../big")
    seen.append(digest_folder(tmp_path / "d"))
    (tmp_path / "big/a.jpg").write_text("1")
    assert digest_folder(tmp_path / "d") == seen[-1]
    seen.append(digest_folder(tmp_path / "d", [tmp_path / "big"]))
    (tmp_path / "big/a.jpg").write_text("22")
    seen.append(digest_folder(tmp_path / "d", [tmp_path / "big"]))
    (tmp_path / "other/one.txt").write_text("1")
    (tmp_path / "d/one.txt").symlink_to("../other/one.txt")
    trusted = [tmp_path / "big", tmp_path / "other"]
    seen.append(digest_folder(tmp_path / "d", trusted))
    (tmp_path / "other/one.txt").write_text("2")
    seen.append(digest_folder(tmp_path / "d", trusted))
    (tmp_path / "d/in").unlink()
    (tmp_path / "d/in").symlink_to("../other")
    seen.append(digest_folder(tmp_path / "d"))
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", ["scandir", "lstat"])
def test_a_folder_whose_digest_cannot_be_taken_is_named(tmp_path, monkeypatch, name):
    (tmp_path / "Fish").mkdir()
    (tmp_path / "Fish/a.jpg").write_text("1")
    culprit = tmp_path / ("Fish" if name == "scandir" else "Fish/a.jpg")
    monkeypatch.setattr(os, name, failing(getattr(os, name), culprit, errno.EIO))
    with pytest.raises(UnreadableError, match=f"{culprit}: cannot be read .*see that its disk answers"):
        digest_folder(tmp_path)


def test_a_text_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "captions.csv").write_text("1")
    monkeypatch.setattr(Path, "read_bytes", failing(Path.read_bytes, tmp_path / "captions.csv", errno.EACCES))
    with pytest.raises(UnreadableError, match="captions.csv: cannot be read .*give this user the permission"):
        digest_folder(tmp_path)
