"""The files of a folder: nothing outside of it is opened."""

import os

import pytest

from nearkin.sources.contained import within
from nearkin.sources.files import walk
from tests.unit import deliveries


def test_links_out_of_the_folder_are_never_opened(tmp_path):
    (tmp_path / "secret.jpg").write_text("secret")
    folder = tmp_path / "d"
    deliveries.picture(folder / "a.jpg", 1)
    (folder / "inside.jpg").symlink_to("a.jpg")
    (folder / "out.jpg").symlink_to("../secret.jpg")
    (folder / "loop").symlink_to("..")
    os.mkfifo(folder / "pipe.jpg")
    assert walk(folder) == (["a.jpg", "inside.jpg"], ["out.jpg"])
    for path in ["out.jpg", "../secret.jpg", "pipe.jpg", "none.jpg"]:
        with pytest.raises(ValueError, match="not a file inside"):
            within(folder, path)


def test_hidden_files_are_left_out(tmp_path):
    for path in [".a.jpg", ".cache/b.jpg", "c.jpg"]:
        deliveries.picture(tmp_path / path, 1)
    assert walk(tmp_path).files == ["c.jpg"]


def test_a_file_name_that_is_no_utf8_is_listed(tmp_path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9.png", "wb") as file:
        file.write(b"x")
    assert walk(tmp_path).files == ["caf\\xe9.png"]
    with pytest.raises(ValueError, match="not a file inside"):
        within(tmp_path, "caf\\xe9.png")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="no folder .*nowhere"):
        walk(tmp_path / "nowhere")
