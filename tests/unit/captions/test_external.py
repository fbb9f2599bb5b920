"""Captions in external tables, and their images."""

import polars as pl
import pytest

from nearkin.captions.external import match_to_images, read_caption_table
from tests.factories.random_study import labels_of


def test_every_kind_of_table_is_read(tmp_path):
    expected = [("a.jpg", "A fish, red."), ("b.jpg", "A bird.")]
    frame = pl.DataFrame(expected, schema=["file", "text"], orient="row")
    frame.with_columns(more=1).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_bytes('\ufefffile,text\r\na.jpg,"A fish, red."\r\nb.jpg,A bird.\r\n'.encode())
    (tmp_path / "a.tsv").write_text("text\tfile\nA fish, red.\ta.jpg\nA bird.\tb.jpg\n")
    for name in ("a.parquet", "a.csv", "a.tsv"):
        table = read_caption_table(tmp_path / name, image="file", caption="text")
        assert table.select("image", "caption").rows() == expected
        with pytest.raises(ValueError, match=rf"{name}: no column path; it has .*file"):
            read_caption_table(tmp_path / name, image="path", caption="text")


def test_a_file_that_is_no_table_is_named(tmp_path):
    (tmp_path / "a.parquet").write_text("no table")
    with pytest.raises(ValueError, match="a.parquet: cannot be read as a table"):
        read_caption_table(tmp_path / "a.parquet", image="file", caption="text")
    pl.DataFrame({"file": [b"\xff"], "text": "A fish."}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="b.parquet: cannot be read as a table of texts"):
        read_caption_table(tmp_path / "b.parquet", image="file", caption="text")


PATHS = ["x/a.jpg", "x/b.jpg", "y/b.jpg", "y/c\u0301.jpg"]


def captions_by_path(rows):
    """Captions of four images by path, from pairs of an image and a caption."""
    labels = labels_of(["Aus bus"] * 4).with_columns(path=pl.Series(PATHS))
    table = pl.DataFrame(
        [(labels["uuid"][3] if image == "uuid" else image, text) for image, text in rows],
        schema={"image": pl.String, "caption": pl.String},
        orient="row",
    )
    captions = match_to_images(table, labels, name="table:1").join(labels, on="uuid")
    return dict(captions.select("path", "caption").iter_rows())


def test_an_image_is_named_by_uuid_path_or_file_name():
    assert captions_by_path([("uuid", "A.")]) == {PATHS[3]: "A."}
    assert captions_by_path([(" ./x/b.jpg", "A."), ("y\\b.jpg", "B.")]) == {PATHS[1]: "A.", PATHS[2]: "B."}
    assert captions_by_path([("a.jpg", "A."), ("elsewhere/\u0107.jpg", "C.")]) == {
        PATHS[0]: "A.",
        PATHS[3]: "C.",
    }


def test_a_file_name_of_several_images_is_not_used_and_logged(caplog):
    assert captions_by_path([("b.jpg", "B."), ("d.jpg", "D."), (None, "E."), ("a.jpg", None)]) == {}
    assert "captions not used, because images share the file name that table:1 names: 2" in caplog.text


def test_the_first_caption_that_is_not_blank_is_used_in_any_order():
    rows = [("a.jpg", "Z."), ("x/a.jpg", " "), ("x/a.jpg", "B."), ("a.jpg", "C.")]
    assert captions_by_path(rows) == captions_by_path(rows[::-1]) == {PATHS[0]: "B."}
