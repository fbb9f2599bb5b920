"""Thumbnails hold only pixels, do not depend on threads, and are reused for equal files."""

import hashlib
import io

import polars as pl
import pytest
from PIL import Image

from nearkin.gallery import thumbnails
from nearkin.tables.gallery import Thumbnails
from scripts.draw_thumbnails import draw_thumbnails
from tests.factories.delivery import picture

NO_THUMBNAILS = Thumbnails.create_empty()


@pytest.fixture
def delivery(tmp_path):
    """A folder, and the inspection of its four images, one of which has a problem."""
    sizes = [(400, 200), (30, 60), (3000, 8), (50, 50)]
    for i, size in enumerate(sizes):
        picture(tmp_path / f"{i}.png", seed=i, size=size)
    exif = Image.Exif()
    exif[0x010E] = "who took it"
    Image.new("RGB", (200, 100), "red").save(tmp_path / "4.jpg", exif=exif, comment=b"where")
    paths = [f"{i}.png" for i in range(4)] + ["4.jpg"]
    rows = {
        "uuid": [f"{i}" for i in range(5)],
        "path": paths,
        "error": [None, None, None, "truncated", None],
        "sha256": [hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() for path in paths],
    }
    return tmp_path, pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String))


def draw(inspection, folder, *, previous=NO_THUMBNAILS, n_threads=2):
    return thumbnails.make_thumbnails(
        inspection, folder, max_megapixels=1, n_threads=n_threads, previous=previous
    )


def test_pictures_are_small_and_in_proportion(delivery):
    folder, inspection = delivery
    table = Thumbnails.validate(draw(inspection, folder)[0])
    assert table.select("uuid", "width", "height").rows() == [
        ("0", 96, 48),
        ("1", 30, 60),
        ("2", 96, 1),
        ("4", 96, 48),
    ]


def test_metadata_is_removed(delivery):
    folder, inspection = delivery
    jpeg = draw(inspection, folder)[0].filter(uuid="4")["jpeg"].item()
    assert b"who" not in jpeg and b"where" not in jpeg
    with Image.open(io.BytesIO(jpeg)) as image:
        assert not image.getexif() and "comment" not in image.info


def test_threads_and_the_order_of_rows_change_nothing(delivery):
    folder, inspection = delivery
    backwards, _ = draw(inspection.reverse(), folder, n_threads=4)
    assert draw(inspection, folder, n_threads=1)[0].equals(backwards)


def test_only_pictures_of_equal_bytes_are_reused(delivery):
    folder, inspection = delivery
    table, _ = draw(inspection, folder)
    previous = table.with_columns(jpeg=pl.lit(b"kept"))
    changed = inspection.with_columns(sha256=pl.when(uuid="1").then(pl.lit("other")).otherwise("sha256"))
    with pytest.raises(ValueError, match="1.png: changed since inspection; rerun inspect_images"):
        draw(changed, folder, previous=previous)
    again, n_reused = draw(
        inspection.filter(pl.col("uuid") != "0"), folder, previous=previous.filter(uuid="1")
    )
    assert n_reused == 1
    assert again.filter(uuid="1")["jpeg"].item() == b"kept"
    assert again.filter(pl.col("uuid") != "1").equals(table.filter(pl.col("uuid").is_in(["2", "4"])))


def test_missing_files_and_outside_links_are_reported(delivery, tmp_path_factory):
    folder, inspection = delivery
    (folder / "0.png").unlink()
    with pytest.raises(ValueError, match="0.png: gone since inspection"):
        draw(inspection, folder)
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    picture(outside, seed=0, size=(400, 200))
    (folder / "0.png").symlink_to(outside)
    with pytest.raises(ValueError, match="0.png: is not a file inside"):
        draw(inspection, folder)


def test_no_images_give_an_empty_table(tmp_path):
    inspection = pl.DataFrame(schema=dict.fromkeys(["uuid", "path", "error", "sha256"], pl.String))
    assert Thumbnails.validate(draw(inspection, tmp_path)[0]).is_empty()


def test_a_second_run_opens_no_file_and_writes_the_same_bytes(delivery, tmp_path_factory):
    folder, inspection = delivery
    out = tmp_path_factory.mktemp("results")
    inspection.write_parquet(out / "inspection.parquet")
    pl.DataFrame({"query": ["0", "0"], "neighbour": ["1", "3"]}).write_parquet(out / "examples.parquet")
    pl.DataFrame({"query": ["4"], "neighbour": ["1"]}).write_parquet(out / "contact_sheets.parquet")
    out_path = out / "thumbnails.parquet"
    bytes_of_runs = []
    for _ in range(2):
        draw_thumbnails(
            out / "inspection.parquet",
            [out / "examples.parquet"],
            [out / "contact_sheets.parquet"],
            out_path,
            folder=folder,
            max_megapixels=1,
            n_threads=2,
            dataset="d",
        )
        bytes_of_runs.append(out_path.read_bytes())
        for path in folder.glob("*.*"):
            path.unlink()
    assert pl.read_parquet(out_path)["uuid"].to_list() == ["0", "1", "4"]
    assert bytes_of_runs[0] == bytes_of_runs[1]
