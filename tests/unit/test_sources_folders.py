"""Plain folders, named after what they show."""

import pytest

from nearkin.sources import folders
from tests.unit import deliveries


def listed(folder, captions_table="captions.csv"):
    return folders.list_images(folder, "s", captions_table=captions_table).sort("path")


def test_folders_with_and_without_categories(tmp_path):
    deliveries.picture(tmp_path / "flat/Aus_bus/1.jpg", 1)
    images = listed(tmp_path / "flat")
    assert images.select("path", "category", "label", "match").rows() == [
        ("Aus_bus/1.jpg", "all", "Aus_bus", "exact")
    ]
    deliveries.picture(tmp_path / "deep/Fish/Aus bus/1.jpg", 1)
    deliveries.picture(tmp_path / "deep/Fish/stray.jpg", 2)
    rows = [("Fish/Aus bus/1.jpg", "A fish.")]
    deliveries.table(tmp_path / "deep/captions.csv", ["image_path", "caption"], rows)
    assert listed(tmp_path / "deep").select("category", "label", "caption").rows() == [
        ("Fish", "Aus bus", "A fish."),
        ("Fish", None, None),
    ]


def test_mixed_depths(tmp_path):
    for seed, path in enumerate(["0.jpg", "Aus cus/1.jpg", "Fish/Aus bus/2.jpg", "Fish/Aus bus/left/3.jpg"]):
        deliveries.picture(tmp_path / path, seed)
    assert listed(tmp_path).select("path", "category", "label").rows() == [
        ("0.jpg", "all", None),
        ("Aus cus/1.jpg", "Aus cus", None),
        ("Fish/Aus bus/2.jpg", "Fish", "Aus bus"),
        ("Fish/Aus bus/left/3.jpg", "Fish", "Aus bus"),
    ]


def test_a_link_out_of_the_folder_and_an_empty_folder(tmp_path):
    (tmp_path / "secret.jpg").write_text("secret")
    (tmp_path / "d/Aus bus").mkdir(parents=True)
    with pytest.raises(ValueError, match="holds no image file"):
        listed(tmp_path / "d", captions_table=None)
    (tmp_path / "d/Aus bus/out.jpg").symlink_to(tmp_path / "secret.jpg")
    assert listed(tmp_path / "d").select("label", "match").rows() == [("Aus bus", "outside")]
