"""A folder's digest changes with its content."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from nearkin.sources import folder_digest as module
from nearkin.sources.folder_digest import digest_folder
from nearkin.sources.safe_paths import UnreadableError
from tests.factories.unreadable import fail_for_path


def test_a_digest_changes_with_new_renamed_and_resized_files(tmp_path):
    (tmp_path / "a.jpg").write_text("1")
    digests = [digest_folder(tmp_path)]
    (tmp_path / "a.jpg").touch()
    assert digest_folder(tmp_path) == digests[0]
    (tmp_path / "b.jpg").write_text("1")
    digests.append(digest_folder(tmp_path))
    (tmp_path / "b.jpg").rename(tmp_path / "c.jpg")
    digests.append(digest_folder(tmp_path))
    (tmp_path / "c.jpg").write_text("22")
    digests.append(digest_folder(tmp_path))
    assert len(set(digests)) == 4


def test_a_digest_changes_with_texts_but_not_with_hidden_files(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("one")
    digests = [digest_folder(tmp_path)]
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/b.txt").write_text("b")
    (tmp_path / "a.txt").touch()
    assert digest_folder(tmp_path) == digests[0]
    (tmp_path / "a.txt").write_text("two")
    digests.append(digest_folder(tmp_path))
    monkeypatch.setattr(module, "MAX_READ_BYTES", 2)
    digests.append(digest_folder(tmp_path))
    os.utime(tmp_path / "a.txt", (1, 1))
    digests.append(digest_folder(tmp_path))
    assert len(set(digests)) == 4


def test_a_digest_without_links_has_the_documented_format(tmp_path):
    for path, text in {"b/x.jpg": "1", "b/c/y.txt": "text", "a.jpg": "22", "z/.hidden/w.jpg": "3"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    lines = b"a.jpg\x002\0" + b"b/x.jpg\x001\0" + b"b/c/y.txt\x004\0text"
    assert digest_folder(tmp_path) == hashlib.sha256(lines).hexdigest()


def test_a_digest_includes_links_and_the_content_of_trusted_folders(tmp_path):
    for name in ("d", "big", "other"):
        (tmp_path / name).mkdir()
    digests = [digest_folder(tmp_path / "d")]
    (tmp_path / "d/in").symlink_to("../big")
    digests.append(digest_folder(tmp_path / "d"))
    (tmp_path / "big/a.jpg").write_text("1")
    assert digest_folder(tmp_path / "d") == digests[-1]
    digests.append(digest_folder(tmp_path / "d", [tmp_path / "big"]))
    (tmp_path / "big/a.jpg").write_text("22")
    digests.append(digest_folder(tmp_path / "d", [tmp_path / "big"]))
    (tmp_path / "other/one.txt").write_text("1")
    (tmp_path / "d/one.txt").symlink_to("../other/one.txt")
    trusted = [tmp_path / "big", tmp_path / "other"]
    digests.append(digest_folder(tmp_path / "d", trusted))
    (tmp_path / "other/one.txt").write_text("2")
    digests.append(digest_folder(tmp_path / "d", trusted))
    (tmp_path / "d/in").unlink()
    (tmp_path / "d/in").symlink_to("../other")
    digests.append(digest_folder(tmp_path / "d"))
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("name", ["scandir", "lstat"])
def test_a_folder_that_cannot_be_digested_is_named(tmp_path, monkeypatch, name):
    (tmp_path / "Fish").mkdir()
    (tmp_path / "Fish/a.jpg").write_text("1")
    path = tmp_path / ("Fish" if name == "scandir" else "Fish/a.jpg")
    monkeypatch.setattr(os, name, fail_for_path(getattr(os, name), path, errno.EIO))
    with pytest.raises(UnreadableError, match=f"{path}: cannot be read .*see that its disk answers"):
        digest_folder(tmp_path)


def test_a_text_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "captions.csv").write_text("1")
    monkeypatch.setattr(
        Path, "read_bytes", fail_for_path(Path.read_bytes, tmp_path / "captions.csv", errno.EACCES)
    )
    with pytest.raises(UnreadableError, match="captions.csv: cannot be read .*give this user the permission"):
        digest_folder(tmp_path)
