"""Images listed in any table: values are unchanged, and names match their files."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.sources import image_table
from nearkin.sources.image_ids import image_uuid
from nearkin.storage import tables
from nearkin.tables.images import Images
from tests.factories import delivery


@pytest.fixture
def folder(tmp_path):
    """A folder with the images a/1.jpg and b/2.PNG."""
    delivery.picture(tmp_path / "photos/a/1.jpg", 1)
    delivery.picture(tmp_path / "photos/b/2.PNG", 2)
    return tmp_path / "photos"


def list_images(folder, path, *, preset=None, unlisted="quarantine", **overrides):
    images = image_table.list_images(
        folder, "s", path=path, preset=preset, overrides=overrides, unlisted=unlisted
    )
    tables.write(images, folder.with_name("images.parquet"), Images)  # validates the table
    return images.sort("path", "listed_name", "row_index", nulls_last=True)


def write_table(folder, header, *rows):
    delivery.table(folder.with_name("t.csv"), header, rows)
    return folder.with_name("t.csv")


def test_rows_of_a_table(folder):
    header = ["name", "group", "who", "animal", "half", "text", "genus", "rest"]
    path = write_table(
        folder,
        header,
        ["1.jpg", "Fish", " Aus bus ", "x7", "train", "A {genus}.", "Aus", "?"],
        ["2.png", "", "", "", "", "", "", ""],
        ["3.jpg", "Bird", "Cus dus", "x8", "test", "B", "Cus", "?"],
    )
    overrides = {"file": "name", "category": "group", "species": "who", "specimen": "animal"}
    images = list_images(folder, path, **overrides, split="half", caption="text", genus="genus")
    fields = [
        "path",
        "match_kind",
        "category",
        "raw_name",
        "specimen",
        "split",
        "caption",
        "genus",
        "common_name",
    ]
    assert images.select(fields).rows() == [
        ("a/1.jpg", "exact", "Fish", " Aus bus ", "x7", "train", "A {genus}.", "Aus", None),
        ("b/2.PNG", "extension", "", "", "", "", "", "", None),
        (None, "missing", "Bird", "Cus dus", "x8", "test", "B", "Cus", None),
    ]
    assert images["uuid"].to_list() == [image_uuid("s", name) for name in ["a/1.jpg", "b/2.PNG", "3.jpg"]]


def test_templates_and_the_first_value_that_is_not_blank(folder):
    path = write_table(
        folder,
        ["id", "genus", "epithet", "bin", "full"],
        ["1", "Aus", "{bin}", "BOLD:1", ""],
        ["2", "Aus", " ", "BOLD:2", ""],
        ["9", "Aus", "", "", "Aus cus"],
        ["", "Aus", "", " ", " "],
    )
    species = ["full", "{genus} {epithet}", "bin"]
    images = list_images(folder, path, file="{id}.jpg", species=species)
    names = images.select("listed_name", "raw_name").rows()
    assert names == [("1.jpg", "Aus {bin}"), ("2.jpg", "BOLD:2"), ("", " "), ("9.jpg", "Aus cus")]


def test_unlisted_files_are_quarantined_or_ignored(folder):
    (folder / "notes.txt").write_text("no image")
    path = write_table(folder, ["file"], ["a/1.jpg"])
    assert list_images(folder, path, file="file")["match_kind"].to_list() == ["exact", "unlisted"]
    assert list_images(folder, path, file="file", unlisted="ignore")["match_kind"].to_list() == ["exact"]


def test_an_address_matches_by_the_last_part_of_its_path(folder):
    addresses = [
        "https://x.org/y/1.jpg?size=9#/z.jpg",
        "HTTP://x.org/../2.png",
        "http://x.org/..",
        "http://x.org",
    ]
    path = write_table(folder, ["file"], *([address] for address in addresses))
    images = list_images(folder, path, file="file", unlisted="ignore")
    assert dict(images.select("listed_name", "match_kind").iter_rows()) == dict(
        zip(addresses, ["exact", "extension", "outside_folder", "missing"], strict=True)
    )


def test_parquet_with_numbers_for_names(folder):
    path = folder.with_name("t.parquet")
    pl.DataFrame(
        {"id": [1, 2, None], "name": ["Aus bus", None, "x"], "views": [[1], [2], [3]]}
    ).write_parquet(path)
    images = list_images(folder, path, file="id", species="name")
    assert images.select("path", "listed_name", "raw_name").rows() == [
        ("a/1.jpg", "1", "Aus bus"),
        ("b/2.PNG", "2", None),
        (None, "", "x"),
    ]
    with pytest.raises(ValueError, match=r"t\.parquet: column 'views' is List\(Int64\)"):
        list_images(folder, path, file="views")
    path.write_bytes(b"PAR1 broken")
    with pytest.raises(ValueError, match=r"t\.parquet: cannot be read as a table"):
        list_images(folder, path, file="id")


def test_a_darwin_core_record_may_have_several_files(folder):
    path = folder.with_name("occurrence.txt")
    rows = [
        "associatedMedia\tscientificName\tcatalogNumber",
        'u/1.jpg | u/2.png\t"Aus bus\t7',
        "\tAus cus\t8",
    ]
    path.write_text("\n".join(rows).replace("u/", "https://x.org/"))
    images = list_images(folder, path, preset="darwin_core")
    assert images.select("path", "listed_name", "raw_name", "specimen").rows() == [
        ("a/1.jpg", "https://x.org/1.jpg", '"Aus bus', "7"),
        ("b/2.PNG", "https://x.org/2.png", '"Aus bus', "7"),
        (None, "", "Aus cus", "8"),
    ]


def test_another_studys_captions(folder):
    path = folder.with_name("captions.parquet")
    row = {
        "path": "a/1.jpg",
        "species": "Aus bus",
        "infraspecies": None,
        "family": "Aidae",
        "caption": "A fish.",
    }
    pl.DataFrame([row, row | {"path": "b/2.PNG", "infraspecies": "Aus bus cus"}]).write_parquet(path)
    images = list_images(folder, path, preset="nearkin")
    assert images.select("path", "raw_name", "family", "caption").rows() == [
        ("a/1.jpg", "Aus bus", "Aidae", "A fish."),
        ("b/2.PNG", "Aus bus cus", "Aidae", "A fish."),
    ]


def test_hostile_rows_are_listed_and_no_outside_file_is_opened(folder):
    delivery.picture(folder / "--x.jpg", 3)
    folder.with_name("secret.jpg").write_text("secret")
    (folder / "link.jpg").symlink_to("../secret.jpg")
    names = ["--x.jpg", "../secret.jpg", str(folder.with_name("secret.jpg")), "link.jpg", "=cmd|'/C calc'!A0"]
    long_name = "x" * 10_000_000
    path = write_table(
        folder, ["file", "name"], *([name, "<script>"] for name in names), ["1.jpg", long_name]
    )
    images = list_images(folder, path, file="file", species="name", unlisted="ignore")
    assert dict(images.select("listed_name", "match_kind").iter_rows()) == {
        "--x.jpg": "exact",
        "../secret.jpg": "outside_folder",
        str(folder.with_name("secret.jpg")): "outside_folder",
        "link.jpg": "outside_folder",
        "=cmd|'/C calc'!A0": "missing",
        "1.jpg": "exact",
    }
    assert images["raw_name"].sort()[-1] == long_name
    all_images = list_images(folder, write_table(folder, ["file"], ["1.jpg"]), file="file")
    assert all_images.filter(path="link.jpg")["match_kind"].to_list() == ["outside_folder"]


def test_linked_folders_have_a_row_or_are_followed(folder):
    delivery.picture(folder.with_name("big") / "3.jpg", 3)
    (folder / "c").symlink_to("../big")
    (folder / "gone.jpg").symlink_to("nowhere")
    (folder / "disk").symlink_to("/nowhere/disk")
    path = write_table(folder, ["file"], ["1.jpg"], ["c/3.jpg"])
    settings = {"path": path, "preset": None, "overrides": {"file": "file"}}
    rows = {"1.jpg": "exact", "c/3.jpg": "missing", "c": "linked_folder", "disk": "broken_link"}
    for unlisted, unlisted_rows in (
        ("quarantine", {None: "unlisted", "gone.jpg": "broken_link"}),
        ("ignore", {}),
    ):
        images = image_table.list_images(folder, "s", **settings, unlisted=unlisted)
        assert dict(images.select("listed_name", "match_kind").iter_rows()) == rows | unlisted_rows
    followed = image_table.list_images(
        folder, "s", **settings, unlisted="ignore", trusted=[folder.with_name("big")]
    )
    paths = {"1.jpg": "a/1.jpg", "c/3.jpg": "c/3.jpg", "disk": None}
    assert dict(followed.select("listed_name", "path").iter_rows()) == paths


def test_errors_name_the_table(folder):
    with pytest.raises(ValueError, match=r"no table 'gone\.csv': correct the dataset's source\.table"):
        list_images(folder, "gone.csv", file="x")
    with pytest.raises(ValueError, match=r"t\.csv: no column 'y', which source\.columns\.file names"):
        list_images(folder, write_table(folder, ["x"]), file="{y}.jpg")
    with pytest.raises(ValueError, match="holds no image file"):
        list_images(folder, write_table(folder, ["x"], ["gone.jpg"]), file="x", unlisted="ignore")


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["1.jpg", "2.jpg", "1", "gone", ""]), st.sampled_from(["Aus bus", "Aus cus", ""])
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=30)
@given(ROWS, st.randoms())
def test_every_row_is_listed_in_any_order(tmp_path_factory, rows, random):
    folder = tmp_path_factory.mktemp("d") / "photos"
    delivery.picture(folder / "1.jpg", 1)
    delivery.picture(folder / "2.jpg", 2)
    images = list_images(folder, write_table(folder, ["file", "name"], *rows), file="file", species="name")
    names = images.drop_nulls("listed_name").select("listed_name", "raw_name").rows()
    assert sorted(names) == sorted(rows)
    assert len(images.unique(["uuid", "row_index"])) == len(images)
    random.shuffle(rows)
    shuffled_images = list_images(
        folder, write_table(folder, ["file", "name"], *rows), file="file", species="name"
    )
    assert images.equals(shuffled_images)
