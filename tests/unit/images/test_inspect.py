"""Inspection of files; earlier rows are reused by content."""

import errno
import hashlib
import os
from io import FileIO

import polars as pl
import pytest
from PIL import Image, ImageOps

from nearkin.images import dhash, inspect
from nearkin.images.inspect import inspect_files
from nearkin.sources.image_ids import image_uuid
from nearkin.sources.safe_paths import UnreadableError
from nearkin.storage import tables
from nearkin.tables.images import VIEWS, Images, Inspection
from scripts.inspect_images import inspect_images
from tests.factories import delivery
from tests.factories.unreadable import fail_for_path, read_errors_as_user

NO_ROWS = Inspection.create_empty()


@pytest.fixture
def images(tmp_path):
    for seed, name in enumerate(["a.png", "b.png", "--x.png"]):
        delivery.picture(tmp_path / name, seed)
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "page.jpg").write_bytes(b"<html>")
    (tmp_path / "out.png").symlink_to("/etc/hostname")
    paths = [{"path": name} for name in ["a.png", "b.png", "--x.png", "empty.jpg", "page.jpg"]]
    return delivery.images_of(
        [*paths, {"path": "out.png", "match_kind": "outside_folder"}, {"path": None, "listed_name": "gone"}]
    )


def test_every_file_has_a_row_but_not_links_outside(images, tmp_path):
    table, n_reused = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    rows = {row["path"]: row for row in table.iter_rows(named=True)}
    assert {path: row["error"] for path, row in rows.items()} == {
        "a.png": None,
        "b.png": None,
        "--x.png": None,
        "empty.jpg": "empty",
        "page.jpg": "not_an_image",
    }
    assert rows["a.png"]["sha256"] == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert (rows["a.png"]["width"], rows["a.png"]["height"], rows["a.png"]["format"]) == (48, 40, "PNG")
    assert n_reused == 0


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_opened_is_named(images, tmp_path, monkeypatch, fault):
    monkeypatch.setattr(os, "open", fail_for_path(os.open, tmp_path / "b.png", fault))
    with pytest.raises(UnreadableError, match=rf"b.png: cannot be read \({os.strerror(fault)}\)"):
        inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)


def test_a_file_that_fails_while_it_is_read_is_named(images, tmp_path, monkeypatch):
    class FailingFile(FileIO):
        def read(self):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(inspect, "safe_opener", lambda folder, _: lambda path: FailingFile(folder / path))
    with pytest.raises(UnreadableError, match="a.png: cannot be read"):
        inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)


def test_a_file_without_permission_is_named_for_a_user(tmp_path):
    delivery.picture(tmp_path / "a.png", 1)
    (tmp_path / "a.png").chmod(0)
    code = (
        "from nearkin.images.inspect import inspect_files; from nearkin.tables.images import Inspection;"
        "from tests.factories.delivery import images_of;"
        "images = images_of([{'path': 'a.png'}]);"
        "inspect_files(images, '.', max_megapixels=1, earlier=Inspection.create_empty())"
    )
    errors = read_errors_as_user(tmp_path, code)
    assert "UnreadableError: ./a.png: cannot be read (Permission denied): give this user" in errors


def test_a_file_in_a_trusted_folder_is_inspected(tmp_path):
    delivery.picture(tmp_path / "big/a.png", 1)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/in").symlink_to("../big")
    images = delivery.images_of([{"path": "in/a.png"}])
    problems = [
        inspect_files(images, tmp_path / "d", max_megapixels=1, earlier=NO_ROWS, trusted=trusted)[0][
            "error"
        ].item()
        for trusted in ([], [tmp_path / "big"])
    ]
    assert problems == ["unreadable", None]


def test_the_limit_of_pixels(images, tmp_path):
    table, _ = inspect_files(images, tmp_path, max_megapixels=48 * 39 / 1e6, earlier=NO_ROWS)
    assert table.filter(path="a.png")["error"].item() == "too_many_pixels"


def test_rows_are_reused_by_content_only(images, tmp_path):
    first, _ = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    os.utime(tmp_path / "a.png", (1, 1))
    second, n_reused = inspect_files(images, tmp_path, max_megapixels=1, earlier=first)
    assert second.equals(first)
    assert n_reused == 5
    delivery.picture(tmp_path / "a.png", seed=99)
    changed, n_reused = inspect_files(images, tmp_path, max_megapixels=1, earlier=first)
    expected, _ = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    assert changed.equals(expected)
    assert n_reused == 4


def test_rows_of_another_limit_are_not_reused(images, tmp_path):
    uuid = pl.col("uuid").map_elements(lambda name: image_uuid("s", name), return_dtype=pl.String)
    tables.write(images.with_columns(uuid=uuid), tmp_path / "images.parquet", Images)
    for limit, n_problems in [(1, 2), (0.001, 5)]:
        inspect_images(
            tmp_path / "images.parquet",
            tmp_path / "inspection.parquet",
            folder=tmp_path,
            shard=0,
            n_shards=1,
            max_megapixels=limit,
            dataset="d",
        )
        inspection = tables.read(tmp_path / "inspection.parquet", Inspection)
        assert inspection["error"].is_not_null().sum() == n_problems


def test_a_file_that_vanished_is_unreadable(images, tmp_path):
    (tmp_path / "a.png").unlink()
    table, _ = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    assert table.filter(path="a.png")["error"].item() == "unreadable"


def test_only_readable_files_have_thumbnails_and_hashes(images, tmp_path):
    table, _ = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    row = table.filter(path="a.png").row(0, named=True)
    grey = Image.open(tmp_path / "a.png").convert("L")
    assert row["thumbnail"] == dhash.make_thumbnail(grey)
    thumbnails = dhash.to_array(pl.Series([row["thumbnail"]]))
    assert row["dhash"] == f"{dhash.compute_dhash(thumbnails, 'whole')[0]:016x}"
    assert row["dhash_of_views"] == [dhash.compute_dhash(thumbnails, view)[0] for view in VIEWS]
    columns = ["thumbnail", "dhash", "dhash_of_views"]
    unreadable_rows = table.filter(pl.col("error").is_not_null()).select(columns)
    assert unreadable_rows.null_count().row(0) == (len(unreadable_rows),) * 3
    Inspection.validate(table)


def test_hashes_tolerate_scaling_and_distinguish_images():
    def compute_bits(image):
        thumbnails = dhash.to_array(pl.Series([dhash.make_thumbnail(image.convert("L"))]))
        return int(dhash.compute_dhash(thumbnails, "whole")[0])

    first = delivery.drawing(1)
    assert (compute_bits(first) ^ compute_bits(first.resize((90, 90)))).bit_count() < 5
    assert (compute_bits(first) ^ compute_bits(ImageOps.mirror(first))).bit_count() > 15


def test_hashes_of_reused_rows_are_computed_again(images, tmp_path):
    first, _ = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    outdated = first.with_columns(dhash=pl.lit("0" * 16))
    assert inspect_files(images, tmp_path, max_megapixels=1, earlier=outdated)[0].equals(first)


def test_a_large_file_is_read_in_chunks_with_the_same_result(images, tmp_path, monkeypatch):
    expected, _ = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    monkeypatch.setattr(inspect, "CHUNK_BYTES", 1)
    assert inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)[0].equals(expected)


def test_a_pipe_or_folder_named_like_an_image_is_unreadable(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    images = delivery.images_of([{"path": "pipe.jpg"}, {"path": "folder.jpg"}])
    table, _ = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    assert table["error"].to_list() == ["unreadable"] * 2
    assert table["detail"].str.contains("is not a file inside").all()


def test_thumbnails_of_another_version_are_not_reused(images, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    images = images.with_columns(uuid=pl.Series([image_uuid("d", str(i)) for i in range(len(images))]))
    tables.write(images, tmp_path / "images.parquet", Images)
    settings = {"folder": tmp_path, "shard": 0, "n_shards": 1, "max_megapixels": 1, "dataset": "d"}
    for version in ("1", "1", "2"):
        monkeypatch.setattr(dhash, "VERSION", version)
        inspect_images(tmp_path / "images.parquet", tmp_path / "inspection.parquet", **settings)
    messages = [record.getMessage() for record in caplog.records if record.name == "scripts.inspect_images"]
    assert messages == ["inspected 5, reused 0", "inspected 0, reused 5", "inspected 5, reused 0"]


def test_shards_cover_all_files_and_damaged_tables_are_not_reused(images, tmp_path):
    images = images.with_columns(uuid=pl.Series([image_uuid("d", str(i)) for i in range(len(images))]))
    tables.write(images, tmp_path / "images.parquet", Images)
    paths = [tmp_path / f"{shard}.parquet" for shard in range(3)]

    def inspect_shard(shard):
        limits = {"n_shards": 3, "max_megapixels": 1, "dataset": "d"}
        inspect_images(tmp_path / "images.parquet", paths[shard], folder=tmp_path, shard=shard, **limits)

    for shard in [0, 1, 2, 0, 1, 2]:  # the second time everything is reused
        inspect_shard(shard)
    expected_table, _ = inspect_files(images, tmp_path, max_megapixels=1, earlier=NO_ROWS)
    assert tables.read_all(paths, Inspection).equals(expected_table.sort("uuid"))
    paths[0].write_bytes(b"half a table")
    inspect_shard(0)
    assert tables.read_all(paths, Inspection).equals(expected_table.sort("uuid"))
