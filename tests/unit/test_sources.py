"""Deliveries become the Images table: names matched to files, and nothing lost or opened outside."""

import os
import unicodedata

import pytest

from nearkin.identity import image_uuid
from nearkin.sources import folders, vlm4bio
from nearkin.sources.contained import within
from nearkin.sources.delimited import read_rows
from nearkin.sources.files import Matcher, walk
from tests.unit import deliveries

CAPTIONS = "vlm4bio_captions.csv"


def listed(folder):
    return vlm4bio.list_images(folder, "s", captions_table=CAPTIONS)


def matches(images):
    return dict(images.select("listed", "match").iter_rows())


@pytest.mark.parametrize(
    ("name", "on_disk", "match"),
    [
        ("a.jpg", "a.jpg", "exact"),
        ("a.jpg", "a.JPG", "extension"),
        ("a.jpeg", "a.png", "extension"),
        ("a", "a.png", "extension"),
        ("A.jpg", "a.jpg", "case"),
        ("a b.jpg ", "a_b.jpg", "case"),
        ("a%20b.jpg", "a b.jpg", "case"),
        ("caf\u00e9.jpg", "cafe\u0301.jpg", "unicode"),
        ("chunk_1/a.jpg", "chunk_1/a.jpg", "exact"),
        ("./a.jpg", "a.jpg", "exact"),
    ],
)
def test_a_listed_name_finds_its_file(name, on_disk, match):
    path = f"datasets/Fish/chunk_1/{on_disk.removeprefix('chunk_1/')}"
    assert Matcher([path, "datasets/Fish/chunk_1/other.jpg"]).find(name) == (path, match)


def test_an_exact_name_wins_and_two_equally_good_ones_are_ambiguous():
    assert Matcher(["1/a.jpg", "1/a.JPG"]).find("a.jpg") == ("1/a.jpg", "exact")
    assert Matcher(["1/a.png", "1/a.JPG"]).find("a.jpg") == (None, "ambiguous")
    assert Matcher(["1/a.jpg", "2/a.jpg"]).find("a.jpg") == (None, "ambiguous")
    assert Matcher(["1/a.jpg", "2/a.jpg"]).find("2/a.jpg") == ("2/a.jpg", "exact")


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/passwd", "..\\a.jpg", "C:\\a.jpg", "chunk_0/../../../a.jpg"]
)
def test_a_name_that_leaves_the_folder_is_outside(name):
    assert Matcher(["1/a.jpg"]).find(name) == (None, "outside")


def test_a_file_that_is_listed_itself_stands_for_no_other_name(tmp_path):
    folder = deliveries.vlm4bio(tmp_path, [("a.png", "Aus bus")])
    header, rows = ["fileNameAsDelivered", "scientificName"], [("a.png", "Aus bus"), ("a.jpg", "Aus cus")]
    deliveries.table(folder / "datasets/Fish/metadata/metadata.csv", header, rows)
    assert matches(listed(folder)) == {"a.png": "exact", "a.jpg": "missing"}


def test_rows_of_a_delivery(tmp_path):
    rows = [
        ("a.jpg", "Aus bus"),
        ("a.jpg", "Aus bus"),
        ("gone.jpg", "Aus bus"),
        ("../../etc/passwd", "Aus bus"),
    ]
    captions = [
        ("Fish", "a.jpg", "Aus bus", "A fish.", "datasets/Fish/chunk_0/a.jpg", "True"),
        ("Fish", "told.jpg", "Aus cus", "Another.", "datasets/Fish/chunk_0/told.jpg", "False"),
    ]
    deliveries.vlm4bio(tmp_path, rows[:2], captions)
    deliveries.picture(tmp_path / "datasets/Fish/chunk_0/told.jpg", 7)
    deliveries.picture(tmp_path / "datasets/Fish/chunk_1/unlisted.png", 8)
    (tmp_path / "datasets/Fish/chunk_1/Thumbs.db").write_text("no image")
    header = ["fileNameAsDelivered", "scientificName"]
    deliveries.table(tmp_path / "datasets/Fish/metadata/metadata.csv", header, rows)
    images = listed(tmp_path)
    assert sorted(images.select("path", "listed", "match", "row").rows(), key=str) == sorted(
        [
            ("datasets/Fish/chunk_0/a.jpg", "a.jpg", "exact", 0),
            ("datasets/Fish/chunk_0/a.jpg", "a.jpg", "exact", 1),
            (None, "gone.jpg", "missing", 0),
            (None, "../../etc/passwd", "outside", 0),
            ("datasets/Fish/chunk_0/told.jpg", "told.jpg", "exact", 0),
            ("datasets/Fish/chunk_1/unlisted.png", None, "unlisted", 0),
        ],
        key=str,
    )
    told = images.filter(listed="told.jpg").row(0, named=True)
    assert (told["label"], told["caption_name"], told["caption"]) == (None, "Aus cus", "Another.")
    assert told["uuid"] == image_uuid("s", "datasets/Fish/chunk_0/told.jpg")


def test_the_order_of_the_tables_does_not_matter(tmp_path):
    rows = [(f"{i % 5}.jpg", f"Aus {'bcd'[i % 3]}us") for i in range(12)]
    first = listed(deliveries.vlm4bio(tmp_path / "a", rows))
    again = listed(deliveries.vlm4bio(tmp_path / "b", rows[::-1]))
    key = ["uuid", "row"]
    assert first.sort(key).equals(again.sort(key))


def test_links_out_of_the_folder_are_never_opened(tmp_path):
    (tmp_path / "secret.jpg").write_text("secret")
    folder = deliveries.vlm4bio(tmp_path / "d", [("a.jpg", "Aus bus")])
    chunk = folder / "datasets/Fish/chunk_0"
    (chunk / "inside.jpg").symlink_to("a.jpg")
    (chunk / "out.jpg").symlink_to("../../../../secret.jpg")
    (chunk / "loop").symlink_to("..")
    os.mkfifo(chunk / "pipe.jpg")
    images = listed(folder)
    paths = dict(images.select("path", "match").iter_rows())
    assert paths["datasets/Fish/chunk_0/out.jpg"] == "outside"
    assert paths["datasets/Fish/chunk_0/inside.jpg"] == "unlisted"
    assert len(paths) == 3
    for path in [
        "datasets/Fish/chunk_0/out.jpg",
        "../secret.jpg",
        "datasets/Fish/chunk_0/pipe.jpg",
        "none.jpg",
    ]:
        with pytest.raises(ValueError, match="not a file inside"):
            within(folder, path)


def test_two_unicode_forms_of_one_name_are_ambiguous(tmp_path):
    name = "caf\u00e9.png"
    folder = deliveries.vlm4bio(tmp_path, [(name, "Aus bus"), ("b.png", "Aus bus")])
    deliveries.picture(folder / "datasets/Fish/chunk_0" / unicodedata.normalize("NFD", name), 9)
    images = listed(folder)
    assert images["match"].to_list().count("ambiguous") == 2


def test_a_file_name_that_is_no_utf8_is_listed(tmp_path):
    folder = deliveries.vlm4bio(tmp_path, [("a.png", "Aus bus")])
    odd = os.fsencode(folder / "datasets/Fish/chunk_0") + b"/caf\xe9.png"
    with open(odd, "wb") as file:
        file.write(b"x")
    assert walk(folder).files[1] == "datasets/Fish/chunk_0/caf\\xe9.png"


def test_errors_name_the_folder_and_the_file(tmp_path):
    with pytest.raises(ValueError, match="no folder .*nowhere"):
        listed(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no files in datasets/<category>/"):
        listed(tmp_path)
    deliveries.table(tmp_path / "datasets/Fish/metadata/m.csv", ["file", "name"], [])
    with pytest.raises(ValueError, match=r"m\.csv: no column fileNameAsDelivered.*it has file, name"):
        listed(tmp_path)
    deliveries.table(tmp_path / "datasets/Fish/metadata/m.csv", [vlm4bio.FILE, vlm4bio.NAME], [])
    with pytest.raises(ValueError, match="holds no image file"):
        listed(tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_dialects_of_csv(tmp_path, end, mark, quote):
    lines = [["file", "name"], ["a.jpg", "Aus bus "], ["b.jpg", ""]]
    text = end.join(",".join(f"{quote}{cell}{quote}" for cell in line) for line in lines)
    (tmp_path / "t.csv").write_bytes((mark + text).encode())
    rows = read_rows(tmp_path / "t.csv", ["file"], free="name")
    assert rows == [{"file": "a.jpg", "name": "Aus bus "}, {"file": "b.jpg", "name": ""}]


def test_ragged_rows_long_cells_and_old_encodings(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("file;name\na.jpg;M\u00fcller; 1776\nb.jpg".encode("cp1252"))
    assert read_rows(path, ["file"], free="name") == [
        {"file": "a.jpg", "name": "M\u00fcller; 1776"},
        {"file": "b.jpg", "name": ""},
    ]
    path.write_text("caption,path\n" + "x" * 10_000_000 + ",a.jpg\nunquoted, comma,b.jpg\n")
    rows = read_rows(path, ["path"], free="caption")
    assert [len(rows[0]["caption"]), rows[0]["path"]] == [10_000_000, "a.jpg"]
    assert rows[1] == {"caption": "unquoted, comma", "path": "b.jpg"}


def test_folders_with_and_without_categories(tmp_path):
    deliveries.picture(tmp_path / "flat/Aus_bus/1.jpg", 1)
    images = folders.list_images(tmp_path / "flat", "s", captions_table="captions.csv")
    assert images.select("path", "category", "label", "match").rows() == [
        ("Aus_bus/1.jpg", "all", "Aus_bus", "exact")
    ]
    deliveries.picture(tmp_path / "deep/Fish/Aus bus/1.jpg", 1)
    deliveries.picture(tmp_path / "deep/Fish/stray.jpg", 2)
    header, rows = ["image_path", "caption"], [("Fish/Aus bus/1.jpg", "A fish.")]
    deliveries.table(tmp_path / "deep/captions.csv", header, rows)
    images = folders.list_images(tmp_path / "deep", "s", captions_table="captions.csv").sort("path")
    assert images.select("category", "label", "caption").rows() == [
        ("Fish", "Aus bus", "A fish."),
        ("Fish", None, None),
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no image file"):
        folders.list_images(tmp_path / "empty", "s", captions_table=None)
