"""Images in plain folders that are named after species."""

import pytest

from nearkin.sources import folders
from tests.factories import delivery


def list_images(folder, captions_table="captions.csv"):
    return folders.list_images(folder, "s", captions_table=captions_table).sort("path")


def test_folders_with_and_without_categories(tmp_path):
    delivery.picture(tmp_path / "flat/Aus_bus/1.jpg", 1)
    images = list_images(tmp_path / "flat")
    assert images.select("path", "category", "raw_name", "match_kind").rows() == [
        ("Aus_bus/1.jpg", None, "Aus_bus", "exact")
    ]
    delivery.picture(tmp_path / "deep/Fish/Aus bus/1.jpg", 1)
    delivery.picture(tmp_path / "deep/Fish/stray.jpg", 2)
    rows = [("Fish/Aus bus/1.jpg", "A fish.")]
    delivery.table(tmp_path / "deep/captions.csv", ["image_path", "caption"], rows)
    assert list_images(tmp_path / "deep").select("category", "raw_name", "caption").rows() == [
        ("Fish", "Aus bus", "A fish."),
        ("Fish", None, None),
    ]


def test_mixed_depths(tmp_path):
    for seed, path in enumerate(["0.jpg", "Aus cus/1.jpg", "Fish/Aus bus/2.jpg", "Fish/Aus bus/left/3.jpg"]):
        delivery.picture(tmp_path / path, seed)
    assert list_images(tmp_path).select("path", "category", "raw_name").rows() == [
        ("0.jpg", None, None),
        ("Aus cus/1.jpg", "Aus cus", None),
        ("Fish/Aus bus/2.jpg", "Fish", "Aus bus"),
        ("Fish/Aus bus/left/3.jpg", "Fish", "Aus bus"),
    ]


def test_linked_folders_have_a_row_or_are_followed(tmp_path):
    delivery.picture(tmp_path / "d/Fish/Aus bus/1.jpg", 1)
    delivery.picture(tmp_path / "big/Bus cus/2.jpg", 2)
    delivery.picture(tmp_path / "small/3.jpg", 3)
    (tmp_path / "big/Bus cus/2.txt").write_text("A bird.")
    (tmp_path / "d/Bird").symlink_to("../big")
    (tmp_path / "d/Fish/Aus cus").symlink_to("../../small")
    (tmp_path / "d/Fish/Aus bus/gone.jpg").symlink_to("nowhere")
    (tmp_path / "d/Butterfly").symlink_to("/nowhere/of a disk that is not mounted")
    columns = ["path", "listed_name", "match_kind", "category", "raw_name", "sidecar_caption"]
    rows = [
        ("Fish/Aus bus/1.jpg", None, "exact", "Fish", "Aus bus", None),
        (None, "Bird", "linked_folder", "Bird", None, None),
        (None, "Butterfly", "broken_link", None, None, None),
        (None, "Fish/Aus bus/gone.jpg", "broken_link", "Fish", "Aus bus", None),
        (None, "Fish/Aus cus", "linked_folder", "Fish", "Aus cus", None),
    ]
    images = list_images(tmp_path / "d").select(columns)
    assert sorted(images.rows(), key=str) == sorted(rows, key=str)
    trusted = [tmp_path / "big"]
    images = folders.list_images(tmp_path / "d", "s", captions_table=None, trusted=trusted).select(columns)
    rows[1] = ("Bird/Bus cus/2.jpg", None, "exact", "Bird", "Bus cus", "A bird.")
    assert sorted(images.rows(), key=str) == sorted(rows, key=str)


def test_a_folder_with_only_links_names_the_config_key(tmp_path):
    (tmp_path / "big").mkdir()
    (tmp_path / "d").mkdir()
    (tmp_path / "d/Bird").symlink_to("../big")
    with pytest.raises(ValueError, match="no image file; name where 'Bird' leads in source.follow_links"):
        list_images(tmp_path / "d", captions_table=None)


def test_a_link_out_of_the_folder_and_an_empty_folder(tmp_path):
    (tmp_path / "secret.jpg").write_text("secret")
    (tmp_path / "d/Aus bus").mkdir(parents=True)
    with pytest.raises(ValueError, match="holds no image file"):
        list_images(tmp_path / "d", captions_table=None)
    (tmp_path / "d/Aus bus/out.jpg").symlink_to(tmp_path / "secret.jpg")
    assert list_images(tmp_path / "d").select("raw_name", "match_kind").rows() == [
        ("Aus bus", "outside_folder")
    ]


def test_a_category_called_all_is_refused_by_name(tmp_path):
    delivery.picture(tmp_path / "all/Aus bus/1.jpg", 1)
    delivery.picture(tmp_path / " all/Aus cus/2.jpg", 2)
    with pytest.raises(
        ValueError, match=r"(?s)/[12].jpg: its category is 'all', as in 2 rows.*one folder deeper"
    ):
        list_images(tmp_path)
    assert list_images(tmp_path / "all")["category"].to_list() == [None]


def test_file_names_in_a_captions_table_without_categories(tmp_path):
    delivery.picture(tmp_path / "Aus bus/1.jpg", 1)
    delivery.picture(tmp_path / "Aus cus/2.jpg", 2)
    rows = [
        ("1.jpg", "", "By its name."),
        ("2.jpg", "", "By its name, too."),
        ("", "Aus cus/2.jpg", "By its path."),
    ]
    delivery.table(tmp_path / "captions.csv", ["image_name", "image_path", "caption"], rows)
    assert list_images(tmp_path)["caption"].to_list() == ["By its name.", "By its path."]


def test_a_captions_table_ignores_spaces_around_a_category(tmp_path):
    delivery.picture(tmp_path / "Fish /Aus bus/1.jpg", 1)
    rows = [("Fish", "1.jpg", "A fish.")]
    delivery.table(tmp_path / "captions.csv", ["category", "image_name", "caption"], rows)
    assert list_images(tmp_path).select("category", "caption").rows() == [("Fish ", "A fish.")]
