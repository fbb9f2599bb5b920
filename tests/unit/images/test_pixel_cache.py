"""The pixel cache: equal to the photos, reused by content, complete or missing, with damage named."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from nearkin.images import pixel_cache, reader
from nearkin.images.empty_cache import empty_cache
from nearkin.storage import tables
from nearkin.storage.atomic import DamagedError
from nearkin.tables.images import Inspection
from tests.factories.images import (
    GEOMETRY,
    count_calls,
    inspect_files,
    make_noise,
    make_preprocessing,
    write_images,
)

ROOT = Path(__file__).parents[3]
NAMES = [f"{i}.png" for i in range(5)]


def write_cache(inspection, path, folder, n_threads=2, **changes):
    return pixel_cache.write_cache(
        inspection,
        path,
        earlier_path=path,
        preprocessing=make_preprocessing(folder, **changes),
        n_threads=n_threads,
    )


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path / "photos")
    return tmp_path / "photos"


def test_a_cache_holds_the_pixels_of_its_photos(folder, tmp_path):
    inspection = inspect_files(folder, NAMES, {"3.png": "truncated"})
    assert write_cache(inspection, tmp_path / "0.arrow", folder) == (4, 0)
    cache = pixel_cache.PixelCache(tmp_path / "0.arrow")
    source = reader.ImageFileReader(inspection, preprocessing=make_preprocessing(folder), n_threads=2)
    assert len(cache) == 4 and cache.uuids == list(source.uuids) and cache.sha256s == list(source.sha256s)
    assert (cache.geometry, cache.decode) == (source.geometry, source.decode) == (GEOMETRY, "exact")
    for rows in ([3, 0, 0], [], range(4)):
        assert np.array_equal(cache.read_batch(rows), source.read_batch(rows))


def test_the_bytes_do_not_depend_on_the_number_of_threads(folder, tmp_path):
    inspection = inspect_files(folder, NAMES)
    for n_threads in (1, 2, 7):
        write_cache(inspection, tmp_path / f"{n_threads}.arrow", folder, n_threads)
    assert len({(tmp_path / f"{n}.arrow").read_bytes() for n in (1, 2, 7)}) == 1


def test_known_images_are_copied_with_the_bytes_of_a_new_cache(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_cache, "CHUNK_ROWS", 2)
    path, new_path = tmp_path / "0.arrow", tmp_path / "fresh.arrow"
    write_cache(inspect_files(folder, ["1.png", "2.png", "4.png"]), path, folder)
    make_noise(30, 30, seed=99).save(folder / "2.png")
    inspection = inspect_files(folder, NAMES)
    assert write_cache(inspection, path, folder) == (3, 2)
    write_cache(inspection, new_path, folder)
    assert path.read_bytes() == new_path.read_bytes()
    assert write_cache(inspection, path, folder) == (0, 5)
    assert write_cache(inspection, path, folder, geometry=GEOMETRY | {"crop_pct": 0.5}) == (5, 0)


def test_a_cache_of_the_other_decoder_is_not_reused(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write_cache(inspect_files(folder, NAMES), path, folder)
    assert write_cache(inspect_files(folder, NAMES), path, folder, decode="fast") == (5, 0)
    assert pixel_cache.PixelCache(path).decode == "fast"


def test_a_second_model_decodes_nothing(folder, tmp_path, monkeypatch):
    calls = count_calls(monkeypatch, reader, "decode_rgb")
    inspection, cache_path = tmp_path / "0.parquet", tmp_path / "0.arrow"
    tables.write(inspect_files(folder, NAMES), inspection, Inspection)
    write_cache(inspect_files(folder, NAMES), cache_path, folder)
    for _ in range(2):
        (source,) = pixel_cache.open_sources(
            [cache_path], [inspection], preprocessing=make_preprocessing(folder), n_threads=1
        )
        source.read_batch(range(5))
    assert len(calls) == 5


def test_a_cache_of_other_images_than_inspected_is_refused(folder, tmp_path):
    inspection, cache_path = tmp_path / "0.parquet", tmp_path / "0.arrow"
    tables.write(inspect_files(folder, NAMES[1:]), inspection, Inspection)
    write_cache(inspect_files(folder, NAMES), cache_path, folder)
    with pytest.raises(DamagedError, match="0.arrow: does not hold the images of .*0.parquet; remove it"):
        pixel_cache.open_sources(
            [cache_path], [inspection], preprocessing=make_preprocessing(folder), n_threads=1
        )


def test_a_truncated_cache_is_refused_and_written_again(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write_cache(inspect_files(folder, ["1.png"]), path, folder)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="0.arrow: not a whole pixel store"):
        pixel_cache.PixelCache(path)
    assert write_cache(inspect_files(folder, ["1.png"]), path, folder) == (1, 0)


def test_a_flipped_bit_is_named_at_any_position(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write_cache(inspect_files(folder, NAMES[:2]), path, folder, geometry=GEOMETRY | {"size": 8})
    undamaged = path.read_bytes()
    first_cache = pixel_cache.PixelCache(path)
    images = first_cache.read_batch([0, 1])
    start = undamaged.index(images[1].tobytes())
    for position in range(len(undamaged)):
        path.write_bytes(undamaged[:position] + bytes([undamaged[position] ^ 1]) + undamaged[position + 1 :])
        try:
            cache = pixel_cache.PixelCache(path)
            same = np.array_equal(cache.read_batch(range(len(cache))), images)
        except ValueError as error:
            assert "0.arrow: " in str(error)
            if start <= position < start + images[1].nbytes:
                assert f"image {first_cache.uuids[1]} is damaged; remove the file" in str(error)
        else:  # in padding, or in bytes that Arrow does not read
            assert same and (cache.uuids, cache.sha256s) == (first_cache.uuids, first_cache.sha256s), position
            assert (cache.geometry, cache.decode) == (first_cache.geometry, first_cache.decode), position


def test_a_damaged_image_is_not_reused(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write_cache(inspect_files(folder, NAMES), path, folder)
    undamaged = path.read_bytes()
    start = undamaged.index(pixel_cache.PixelCache(path)[3].tobytes())
    path.write_bytes(undamaged[:start] + bytes([undamaged[start] ^ 128]) + undamaged[start + 1 :])
    assert write_cache(inspect_files(folder, NAMES), path, folder) == (5, 0)
    assert path.read_bytes() == undamaged


def test_an_empty_shard_is_a_file_without_rows(folder, tmp_path):
    write_cache(inspect_files(folder, []), tmp_path / "0.arrow", folder)
    cache = pixel_cache.PixelCache(tmp_path / "0.arrow")
    assert len(cache) == 0 and cache.read_batch([]).shape == (0, 16, 16, 3)
    assert cache.find_row("a", "b") is None
    with pa.memory_map(str(tmp_path / "0.arrow")) as file:
        assert pa.ipc.open_file(file).schema.names == ["uuid", "sha256", "crc32", "pixels"]


def test_after_an_error_only_the_old_cache_remains(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write_cache(inspect_files(folder, ["1.png"]), path, folder)
    bytes_before = path.read_bytes()
    table = inspect_files(folder, ["1.png", "2.png"])
    (folder / "2.png").unlink()
    with pytest.raises(ValueError, match="2.png: gone since inspection"):
        write_cache(table, path, folder)
    assert path.read_bytes() == bytes_before
    assert sorted(os.listdir(tmp_path)) == ["0.arrow", "photos"]


INTERRUPTIONS = {
    "kill": "reader.decode_rgb = lambda data, limit: kill() if is_last(data) else read(data, limit)",
    "disk full": "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))",
}


@pytest.mark.parametrize(("interruption", "code"), [("kill", -signal.SIGKILL), ("disk full", 1)])
def test_an_interrupted_write_leaves_the_old_cache_and_can_be_repeated(folder, tmp_path, interruption, code):
    path, new_path = tmp_path / "0.arrow", tmp_path / "fresh.arrow"
    write_cache(inspect_files(folder, NAMES[:1]), path, folder)
    bytes_before = path.read_bytes()
    program = f"""
import hashlib, os, resource, signal
from pathlib import Path
from nearkin.images import pixel_cache, reader
from nearkin.storage.atomic import DamagedError
from tests.factories.images import inspect_files, make_preprocessing
folder, read, pixel_cache.CHUNK_ROWS = Path({str(folder)!r}), reader.decode_rgb, 2
table = inspect_files(folder, {NAMES})
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
is_last = lambda data: hashlib.sha256(data).hexdigest() == table["sha256"][-1]
{INTERRUPTIONS[interruption]}
path = {str(path)!r}
pixel_cache.write_cache(table, path, earlier_path=path, preprocessing=make_preprocessing(folder), n_threads=1)
"""
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, check=False)
    assert process.returncode == code
    assert interruption == "kill" or b"File too large" in process.stderr
    assert path.read_bytes() == bytes_before
    write_cache(inspect_files(folder, NAMES), path, folder)
    write_cache(inspect_files(folder, NAMES), new_path, folder)
    assert path.read_bytes() == new_path.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["0.arrow", "fresh.arrow", "photos"]


def test_shards_without_a_cache_are_one_source_of_image_files(folder, tmp_path):
    inspections, cache_paths = [], []
    for shard in range(3):
        inspections.append(tmp_path / f"{shard}.parquet")
        cache_paths.append(tmp_path / f"{shard}.arrow")
        inspection = inspect_files(folder, NAMES[shard::3])
        tables.write(inspection.with_columns(thumbnail=pl.lit(None, pl.Binary)), inspections[-1], Inspection)
        write_cache(inspection, cache_paths[-1], folder)

    def open_sources(paths):
        return pixel_cache.open_sources(
            paths, inspections, preprocessing=make_preprocessing(folder), n_threads=2
        )

    assert [type(source) for source in open_sources(cache_paths)] == [pixel_cache.PixelCache] * 3
    (source,) = open_sources([])
    assert (
        isinstance(source, reader.ImageFileReader)
        and list(source.uuids) == inspect_files(folder, NAMES)["uuid"].to_list()
    )
    for path in cache_paths[1:]:
        date, size = path.stat().st_mtime_ns, path.stat().st_size
        assert empty_cache(path) == size and path.stat().st_mtime_ns == date
    first_cache, image_files = open_sources(cache_paths)
    assert list(first_cache.uuids) == inspect_files(folder, NAMES[0::3])["uuid"].to_list()
    assert list(image_files.uuids) == inspect_files(folder, NAMES[1::3] + NAMES[2::3])["uuid"].to_list()
    row = list(source.uuids).index(image_files.uuids[0])
    assert np.array_equal(image_files[0], source[row])
    assert write_cache(inspect_files(folder, NAMES[1::3]), cache_paths[1], folder) == (2, 0)
