"""The files of a folder; no file outside it is opened."""

import errno
import os

import pytest

from nearkin.sources import folder_tree
from nearkin.sources.safe_paths import UnreadableError, resolve_inside
from nearkin.sources.walk import walk
from tests.factories import delivery
from tests.factories.unreadable import fail_for_path, read_errors_as_user


def test_links_out_of_the_folder_are_never_opened(tmp_path):
    (tmp_path / "secret.jpg").write_text("secret")
    folder = tmp_path / "d"
    delivery.picture(folder / "a.jpg", 1)
    (folder / "inside.jpg").symlink_to("a.jpg")
    (folder / "out.jpg").symlink_to("../secret.jpg")
    (folder / "up").symlink_to("..")
    (folder / "gone").symlink_to("/nowhere")
    os.mkfifo(folder / "pipe.jpg")
    left_out = [("gone", "broken_link"), ("pipe.jpg", "not_a_file"), ("up", "linked_folder")]
    assert walk(folder) == (["a.jpg", "inside.jpg"], ["out.jpg"], left_out)
    for path in ["out.jpg", "../secret.jpg", "pipe.jpg", "none.jpg"]:
        with pytest.raises(ValueError, match="not a file inside"):
            resolve_inside(folder, path)


@pytest.fixture
def linked_folders(tmp_path):
    """A folder `d` with links to two sibling folders, each with a file and links back."""
    for name in ("d", "big", "other"):
        delivery.picture(tmp_path / name / f"{name}.jpg", 1)
    (tmp_path / "d/Butterfly").symlink_to("../big")
    (tmp_path / "d/Fish").symlink_to("../other")
    (tmp_path / "big/back").symlink_to("../d")
    (tmp_path / "big/file.jpg").symlink_to("../other/other.jpg")
    return tmp_path


def test_linked_folders_are_followed_into_trusted_ones(linked_folders):
    d, big, other = (linked_folders / name for name in ("d", "big", "other"))
    links = [("Butterfly", "linked_folder"), ("Fish", "linked_folder")]
    assert walk(d) == (["d.jpg"], [], links)
    back_link = ("Butterfly/back", "repeated_folder")
    assert walk(d, [big]) == (
        ["Butterfly/big.jpg", "d.jpg"],
        ["Butterfly/file.jpg"],
        [back_link, ("Fish", "linked_folder")],
    )
    files = ["Butterfly/big.jpg", "Butterfly/file.jpg", "Fish/other.jpg", "d.jpg"]
    assert walk(d, [big, other]) == (files, [], [back_link])
    assert walk(d, [linked_folders]) == walk(d, [other, big])


def test_no_folder_is_listed_twice_and_cycles_end(linked_folders):
    (linked_folders / "d/up").symlink_to("..")
    (linked_folders / "d/Zebra").symlink_to("Fish")
    listing = walk(linked_folders / "d", [linked_folders])
    assert listing.files == ["Butterfly/big.jpg", "Butterfly/file.jpg", "Fish/other.jpg", "d.jpg"]
    repeated = ["Butterfly/back", "Zebra", "up/big", "up/d", "up/other"]
    assert listing.left_out == [(path, "repeated_folder") for path in repeated]


def test_a_missing_trusted_folder_is_named(linked_folders):
    with pytest.raises(ValueError, match="no folder 'nowhere': correct the dataset's source.follow_links"):
        walk(linked_folders / "d", ["nowhere"])


def test_linked_folders_that_are_left_out_are_logged(linked_folders, caplog):
    walk(linked_folders / "d")
    assert "does not name where it leads: Butterfly (leads to ../big)" in caplog.text


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO])
def test_an_unreadable_folder_is_named(tmp_path, monkeypatch, fault):
    delivery.picture(tmp_path / "d/Fish/a.jpg", 1)
    monkeypatch.setattr(folder_tree.os, "scandir", fail_for_path(os.scandir, tmp_path / "d/Fish", fault))
    hint = "give this user the permission" if fault == errno.EACCES else "see that its disk answers"
    with pytest.raises(UnreadableError, match=rf"d/Fish: cannot be read \({os.strerror(fault)}\): {hint}"):
        walk(tmp_path / "d")


def test_a_folder_without_permission_is_named_for_a_user(tmp_path):
    delivery.picture(tmp_path / "d/Fish/a.jpg", 1)
    (tmp_path / "d/Fish").chmod(0)
    errors = read_errors_as_user(tmp_path, "from nearkin.sources.walk import walk; walk('d')")
    assert "UnreadableError: d/Fish: cannot be read (Permission denied): give this user" in errors


def test_hidden_files_are_left_out(tmp_path):
    for path in [".a.jpg", ".cache/b.jpg", "c.jpg"]:
        delivery.picture(tmp_path / path, 1)
    assert walk(tmp_path).files == ["c.jpg"]


def test_a_file_name_that_is_not_utf8_is_listed(tmp_path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9.png", "wb") as file:
        file.write(b"x")
    assert walk(tmp_path).files == ["caf\\xe9.png"]
    with pytest.raises(ValueError, match="not a file inside"):
        resolve_inside(tmp_path, "caf\\xe9.png")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="no folder .*nowhere"):
        walk(tmp_path / "nowhere")
