"""Captions in text files next to their images."""

import polars as pl
import pytest

from nearkin.sources import folders, sidecars
from tests.factories import delivery


@pytest.fixture
def folder(tmp_path):
    """A folder with the image 1.jpg."""
    delivery.picture(tmp_path / "photos/Aus bus/1.jpg", 1)
    return tmp_path / "photos"


def read_sidecar(folder, *names):
    files = [f"Aus bus/{name}" for name in names]
    return dict(sidecars.read_sidecars(folder, files, pl.Series(["Aus bus/1.jpg"])).iter_rows()).get(
        "Aus bus/1.jpg"
    )


@pytest.mark.parametrize("name", ["1.txt", "1.jpg.txt", "1.TXT"])
def test_a_text_next_to_an_image_is_its_sidecar_unchanged(folder, name):
    (folder / "Aus bus" / name).write_bytes(b"\xef\xbb\xbf A fish. \r\n")
    images = folders.list_images(folder, "s", captions_table=None)
    assert images["sidecar_caption"].to_list() == [" A fish. \r\n"]


def test_the_full_name_has_priority_over_the_stem(folder):
    for name in ["1.txt", "1.jpg.txt", "2.txt", "1.png.txt"]:
        (folder / "Aus bus" / name).write_text(name)
    assert read_sidecar(folder, "1.jpg.txt", "1.txt", "2.txt") == "1.jpg.txt"
    assert read_sidecar(folder, "2.txt", "1.png.txt") is None


def test_encodings(folder):
    path = folder / "Aus bus/1.txt"
    for content in ["caf\u00e9".encode(), "caf\u00e9".encode("cp1252"), "caf\u00e9".encode("utf-16")]:
        path.write_bytes(content)
        assert read_sidecar(folder, "1.txt") == "caf\u00e9"
    path.write_bytes(b"a\0b")
    assert read_sidecar(folder, "1.txt") == "a\0b"
    path.write_bytes(b"")
    assert read_sidecar(folder, "1.txt") == ""


def test_a_huge_text_is_truncated_with_a_warning(folder, caplog):
    half = sidecars.MAX_BYTES // 2
    (folder / "Aus bus/1.txt").write_text("x" + "\u00e9" * 500_000, encoding="utf-8")
    assert read_sidecar(folder, "1.txt") == "x" + "\u00e9" * (half - 1)
    assert "cut there: Aus bus/1.txt" in caplog.text


def test_links_outside_and_unreadable_texts_are_ignored(folder, tmp_path, caplog):
    (tmp_path / "secret").write_text("secret")
    (folder / "Aus bus/1.txt").symlink_to(tmp_path / "secret")
    images = folders.list_images(folder, "s", captions_table=None)
    assert images["sidecar_caption"].to_list() == [None]
    assert read_sidecar(folder, "1.txt") is None  # even if it counted as a file
    assert "no caption taken from a text file: Aus bus/1.txt" in caplog.text
