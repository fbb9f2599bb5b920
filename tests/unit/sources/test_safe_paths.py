"""Opening many files of a folder: links inside are followed, and files outside are not opened."""

import errno
import os

import pytest

from nearkin.sources.safe_paths import UnreadableError, safe_opener
from tests.factories.unreadable import fail_for_path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret.jpg").write_text("secret")
    folder = tmp_path / "d"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.jpg").write_text("a")
    (folder / "--x.jpg").write_text("x")
    (folder / "inside.jpg").symlink_to("sub/a.jpg")
    (folder / "also").symlink_to("sub")
    (folder / "out.jpg").symlink_to("../secret.jpg")
    (folder / "up").symlink_to("..")
    os.mkfifo(folder / "pipe.jpg")
    return folder


@pytest.mark.parametrize(
    ("path", "content"), [("sub/a.jpg", "a"), ("--x.jpg", "x"), ("inside.jpg", "a"), ("also/a.jpg", "a")]
)
def test_files_inside_are_opened(folder, path, content):
    open_path = safe_opener(folder)
    for _ in range(2):
        with open_path(path) as file:
            assert file.read() == content.encode()


@pytest.mark.parametrize(
    "path", ["out.jpg", "up/secret.jpg", "../secret.jpg", "sub/../../secret.jpg", "pipe.jpg", "sub", "..", ""]
)
def test_paths_outside_or_without_a_file_are_refused(folder, path):
    with pytest.raises(ValueError, match="not a file inside"):
        safe_opener(folder)(path)


@pytest.mark.parametrize(
    ("trusted", "path", "content"),
    [
        ("big", "up/big/b.jpg", "b"),
        ("big", "to/b.jpg", "b"),
        (".", "up/secret.jpg", "secret"),
        (".", "out.jpg", "secret"),
    ],
)
def test_files_in_a_trusted_folder_are_opened(folder, trusted, path, content):
    (folder.parent / "big").mkdir()
    (folder.parent / "big/b.jpg").write_text("b")
    (folder / "to").symlink_to("../big")
    with pytest.raises(ValueError, match="not a file inside"):
        safe_opener(folder)(path)
    with safe_opener(folder, [folder.parent / trusted])(path) as file:
        assert file.read() == content.encode()


@pytest.mark.parametrize("path", ["up/secret.jpg", "../secret.jpg", "out.jpg", "sub/../../secret.jpg", "to"])
def test_a_trusted_folder_allows_no_other_path(folder, path):
    (folder.parent / "big").mkdir()
    (folder / "to").symlink_to("../big")
    with pytest.raises(ValueError, match="not a file inside"):
        safe_opener(folder, [folder.parent / "big"])(path)


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_read_is_named(folder, monkeypatch, fault):
    monkeypatch.setattr(os, "open", fail_for_path(os.open, folder / "sub/a.jpg", fault))
    with pytest.raises(UnreadableError, match="sub/a.jpg: cannot be read"):
        safe_opener(folder)("sub/a.jpg")


def test_an_absolute_path_is_refused(folder):
    with pytest.raises(ValueError, match="not a file inside"):
        safe_opener(folder)("/etc/hostname")


def test_a_missing_file_is_an_os_error(folder):
    with pytest.raises(OSError, match="nothing.jpg"):
        safe_opener(folder)("nothing.jpg")
