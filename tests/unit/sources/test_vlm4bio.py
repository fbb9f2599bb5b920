"""A delivery in the layout of VLM4Bio becomes the Images table without losses."""

import unicodedata

import pytest

from nearkin.sources import vlm4bio
from nearkin.sources.image_ids import image_uuid
from tests.factories import delivery

CAPTIONS = "vlm4bio_captions.csv"
HEADER = ["fileNameAsDelivered", "scientificName"]


def list_images(folder, unlisted="quarantine"):
    return vlm4bio.list_images(folder, "s", captions_table=CAPTIONS, unlisted=unlisted)


def test_a_file_that_is_listed_exactly_matches_no_other_name(tmp_path):
    folder = delivery.write_vlm4bio(tmp_path, [("a.png", "Aus bus")])
    rows = [("a.png", "Aus bus"), ("a.jpg", "Aus cus")]
    delivery.table(folder / "datasets/Fish/metadata/metadata.csv", HEADER, rows)
    matches = dict(list_images(folder).select("listed_name", "match_kind").iter_rows())
    assert matches == {"a.png": "exact", "a.jpg": "missing"}


def test_rows_of_a_delivery(tmp_path):
    rows = [
        ("a.jpg", "Aus bus"),
        ("a.jpg", "Aus bus"),
        ("gone.jpg", "Aus bus"),
        ("../../etc/passwd", "Aus bus"),
    ]
    captions = [
        ("Fish", "a.jpg", "Aus bus", "A fish.", "datasets/Fish/chunk_0/a.jpg", "True"),
        ("Fish", "captioned.jpg", "Aus cus", "Another.", "datasets/Fish/chunk_0/captioned.jpg", "False"),
    ]
    delivery.write_vlm4bio(tmp_path, rows[:2], captions)
    delivery.picture(tmp_path / "datasets/Fish/chunk_0/captioned.jpg", 7)
    delivery.picture(tmp_path / "datasets/Fish/chunk_1/unlisted.png", 8)
    (tmp_path / "datasets/Fish/chunk_1/Thumbs.db").write_text("no image")
    delivery.table(tmp_path / "datasets/Fish/metadata/metadata.csv", HEADER, rows)
    images = list_images(tmp_path)
    expected = [
        ("datasets/Fish/chunk_0/a.jpg", "a.jpg", "exact", 0),
        ("datasets/Fish/chunk_0/a.jpg", "a.jpg", "exact", 1),
        (None, "gone.jpg", "missing", 0),
        (None, "../../etc/passwd", "outside_folder", 0),
        ("datasets/Fish/chunk_0/captioned.jpg", "captioned.jpg", "exact", 0),
        ("datasets/Fish/chunk_1/unlisted.png", None, "unlisted", 0),
    ]
    assert sorted(images.select("path", "listed_name", "match_kind", "row_index").rows(), key=str) == sorted(
        expected, key=str
    )
    captioned_only = images.filter(listed_name="captioned.jpg").row(0, named=True)
    assert (
        captioned_only["raw_name"],
        captioned_only["raw_name_in_captions"],
        captioned_only["caption"],
    ) == (None, "Aus cus", "Another.")
    assert captioned_only["uuid"] == image_uuid("s", "datasets/Fish/chunk_0/captioned.jpg")
    assert set(list_images(tmp_path, unlisted="ignore")["match_kind"]) == {
        "exact",
        "missing",
        "outside_folder",
    }


def test_linked_folders_have_a_row_or_are_followed(tmp_path):
    folder = delivery.write_vlm4bio(tmp_path / "d", [("a.jpg", "Aus bus")])
    delivery.picture(tmp_path / "big/b.jpg", 2)
    (folder / "datasets/Fish/chunk_1").symlink_to(tmp_path / "big")
    (folder / "datasets/Bird").symlink_to(tmp_path / "nothing there")
    (folder / "tools").symlink_to("datasets/Fish")
    rows = [("a.jpg", "Aus bus"), ("b.jpg", "Aus cus")]
    delivery.table(folder / "datasets/Fish/metadata/metadata.csv", HEADER, rows)
    images = list_images(folder, unlisted="ignore").select("listed_name", "match_kind", "category")
    assert sorted(images.rows()) == [
        ("a.jpg", "exact", "Fish"),
        ("b.jpg", "missing", "Fish"),
        ("datasets/Bird", "broken_link", "Bird"),
        ("datasets/Fish/chunk_1", "linked_folder", "Fish"),
        ("tools", "repeated_folder", None),
    ]
    followed_images = vlm4bio.list_images(
        folder, "s", captions_table=None, unlisted="quarantine", trusted=[tmp_path / "big"]
    )
    assert dict(followed_images.select("listed_name", "match_kind").iter_rows()) == {
        "a.jpg": "exact",
        "b.jpg": "exact",
        "datasets/Bird": "broken_link",
        "tools": "repeated_folder",
    }


def test_the_order_of_the_tables_does_not_matter(tmp_path):
    rows = [(f"{i % 5}.jpg", f"Aus {'bcd'[i % 3]}us") for i in range(12)]
    first = list_images(delivery.write_vlm4bio(tmp_path / "a", rows))
    reverse = list_images(delivery.write_vlm4bio(tmp_path / "b", rows[::-1]))
    assert first.equals(reverse)


def test_a_link_out_of_the_folder_is_quarantined(tmp_path):
    (tmp_path / "secret.jpg").write_text("secret")
    folder = delivery.write_vlm4bio(tmp_path / "d", [("a.jpg", "Aus bus")])
    (folder / "datasets/Fish/chunk_0/out.jpg").symlink_to(tmp_path / "secret.jpg")
    images = list_images(folder)
    assert (
        dict(images.select("path", "match_kind").iter_rows())["datasets/Fish/chunk_0/out.jpg"]
        == "outside_folder"
    )


def test_two_unicode_forms_of_one_name_are_ambiguous(tmp_path):
    name = "caf\u00e9.png"
    folder = delivery.write_vlm4bio(tmp_path, [(name, "Aus bus"), ("b.png", "Aus bus")])
    delivery.picture(folder / "datasets/Fish/chunk_0" / unicodedata.normalize("NFD", name), 9)
    assert list_images(folder)["match_kind"].to_list().count("ambiguous") == 2


def test_of_different_captions_the_first_that_is_not_blank_is_used(tmp_path):
    captions = [
        ("Fish", "a.jpg", "", " ", "", ""),
        ("", "", "Aus cus", "B fish.", "datasets/Fish/chunk_0/a.jpg", ""),
        ("", "", "Aus bus", "A fish.", "./datasets/Fish/chunk_0/a.jpg", ""),
        ("Fish", "b.jpg", "Aus bus", "", "", ""),
    ]
    folder = delivery.write_vlm4bio(tmp_path, [("a.jpg", "x"), ("b.jpg", "y")], captions)
    captions_and_names = list_images(folder).sort("path").select("caption", "raw_name_in_captions").rows()
    assert captions_and_names == [("A fish.", None), ("", "Aus bus")]


def test_errors_name_the_folder_and_the_file(tmp_path):
    with pytest.raises(ValueError, match="no files in datasets/<category>/"):
        list_images(tmp_path)
    delivery.table(tmp_path / "datasets/Fish/metadata/m.csv", ["file", "name"], [])
    with pytest.raises(ValueError, match=r"m\.csv: no column fileNameAsDelivered.*it has file, name"):
        list_images(tmp_path)
    delivery.table(tmp_path / "datasets/Fish/metadata/m.csv", HEADER, [])
    with pytest.raises(ValueError, match="holds no image file"):
        list_images(tmp_path)
    delivery.table(tmp_path / CAPTIONS, ["caption", "id"], [])
    with pytest.raises(ValueError, match="no column image_path or image_name; it has caption, id"):
        list_images(tmp_path)
