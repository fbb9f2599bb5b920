"""The store of decoded pixels: the photos' own, reused by content, whole or not there, damage named."""

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
from tests.factories.images import GEOMETRY, counted, inspected, noise, pictures, preprocessing

ROOT = Path(__file__).parents[3]
NAMES = [f"{i}.png" for i in range(5)]


def write(inspection, path, folder, n_threads=2, **changes):
    return pixel_cache.write_cache(
        inspection,
        path,
        earlier_path=path,
        preprocessing=preprocessing(folder, **changes),
        n_threads=n_threads,
    )


@pytest.fixture
def folder(tmp_path):
    pictures(tmp_path / "photos")
    return tmp_path / "photos"


def test_a_store_holds_what_its_photos_are(folder, tmp_path):
    inspection = inspected(folder, NAMES, {"3.png": "truncated"})
    assert write(inspection, tmp_path / "0.arrow", folder) == (4, 0)
    store = pixel_cache.PixelCache(tmp_path / "0.arrow")
    source = reader.ImageFileReader(inspection, preprocessing=preprocessing(folder), n_threads=2)
    assert len(store) == 4 and store.uuids == list(source.uuids) and store.sha256s == list(source.sha256s)
    assert (store.geometry, store.decode) == (source.geometry, source.decode) == (GEOMETRY, "exact")
    for rows in ([3, 0, 0], [], range(4)):
        assert np.array_equal(store.read_batch(rows), source.read_batch(rows))


def test_the_bytes_do_not_depend_on_threads_or_on_how_many_rows_are_held(folder, tmp_path):
    inspection = inspected(folder, NAMES)
    for n_threads in (1, 2, 7):
        write(inspection, tmp_path / f"{n_threads}.arrow", folder, n_threads)
    assert len({(tmp_path / f"{n}.arrow").read_bytes() for n in (1, 2, 7)}) == 1


def test_what_is_known_is_copied_and_the_bytes_are_as_from_nothing(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_cache, "CHUNK_ROWS", 2)
    path, fresh = tmp_path / "0.arrow", tmp_path / "fresh.arrow"
    write(inspected(folder, ["1.png", "2.png", "4.png"]), path, folder)
    noise(30, 30, seed=99).save(folder / "2.png")
    everything = inspected(folder, NAMES)
    assert write(everything, path, folder) == (3, 2)
    write(everything, fresh, folder)
    assert path.read_bytes() == fresh.read_bytes()
    assert write(everything, path, folder) == (0, 5)
    assert write(everything, path, folder, geometry=GEOMETRY | {"crop_pct": 0.5}) == (5, 0)


def test_a_store_of_the_other_decoder_is_not_reused(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write(inspected(folder, NAMES), path, folder)
    assert write(inspected(folder, NAMES), path, folder, decode="fast") == (5, 0)
    assert pixel_cache.PixelCache(path).decode == "fast"


def test_a_second_model_decodes_nothing(folder, tmp_path, monkeypatch):
    decoded = counted(monkeypatch, reader, "decode_rgb")
    inspection, store = tmp_path / "0.parquet", tmp_path / "0.arrow"
    tables.write(inspected(folder, NAMES), inspection, Inspection)
    write(inspected(folder, NAMES), store, folder)
    for _ in range(2):
        (source,) = pixel_cache.open_sources(
            [store], [inspection], preprocessing=preprocessing(folder), n_threads=1
        )
        source.read_batch(range(5))
    assert len(decoded) == 5


def test_a_store_of_other_images_than_were_inspected_is_refused(folder, tmp_path):
    inspection, store = tmp_path / "0.parquet", tmp_path / "0.arrow"
    tables.write(inspected(folder, NAMES[1:]), inspection, Inspection)
    write(inspected(folder, NAMES), store, folder)
    with pytest.raises(DamagedError, match="0.arrow: does not hold the images of .*0.parquet; remove it"):
        pixel_cache.open_sources([store], [inspection], preprocessing=preprocessing(folder), n_threads=1)


def test_a_store_cut_off_is_refused_and_made_anew(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write(inspected(folder, ["1.png"]), path, folder)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="0.arrow: not a whole pixel store"):
        pixel_cache.PixelCache(path)
    assert write(inspected(folder, ["1.png"]), path, folder) == (1, 0)


def test_a_flipped_byte_is_named_wherever_it_is(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write(inspected(folder, NAMES[:2]), path, folder, geometry=GEOMETRY | {"size": 8})
    whole = path.read_bytes()
    kept = pixel_cache.PixelCache(path)
    images = kept.read_batch([0, 1])
    at = whole.index(images[1].tobytes())
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            store = pixel_cache.PixelCache(path)
            same = np.array_equal(store.read_batch(range(len(store))), images)
        except ValueError as error:
            assert "0.arrow: " in str(error)
            if at <= place < at + images[1].nbytes:
                assert f"image {kept.uuids[1]} is damaged; remove the file" in str(error)
        else:  # in what Arrow fills up with, or does not read
            assert same and (store.uuids, store.sha256s) == (kept.uuids, kept.sha256s), place
            assert (store.geometry, store.decode) == (kept.geometry, kept.decode), place


def test_a_damaged_image_is_not_taken_over(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write(inspected(folder, NAMES), path, folder)
    whole = path.read_bytes()
    at = whole.index(pixel_cache.PixelCache(path)[3].tobytes())
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 128]) + whole[at + 1 :])
    assert write(inspected(folder, NAMES), path, folder) == (5, 0)
    assert path.read_bytes() == whole


def test_an_empty_shard_is_a_file_without_rows(folder, tmp_path):
    write(inspected(folder, []), tmp_path / "0.arrow", folder)
    store = pixel_cache.PixelCache(tmp_path / "0.arrow")
    assert len(store) == 0 and store.read_batch([]).shape == (0, 16, 16, 3)
    assert store.find_row("a", "b") is None
    with pa.memory_map(str(tmp_path / "0.arrow")) as file:
        assert pa.ipc.open_file(file).schema.names == ["uuid", "sha256", "crc32", "pixels"]


def test_after_an_error_the_old_store_stays_and_nothing_else(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write(inspected(folder, ["1.png"]), path, folder)
    before = path.read_bytes()
    table = inspected(folder, ["1.png", "2.png"])
    (folder / "2.png").unlink()
    with pytest.raises(ValueError, match="2.png: gone since inspection"):
        write(table, path, folder)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["0.arrow", "photos"]


END = {
    "kill": "reader.decode_rgb = lambda data, limit: kill() if is_last(data) else read(data, limit)",
    "disk full": "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))",
}


@pytest.mark.parametrize(("end", "code"), [("kill", -signal.SIGKILL), ("disk full", 1)])
def test_an_interrupted_write_leaves_the_old_cache_and_can_be_repeated(folder, tmp_path, end, code):
    path, fresh = tmp_path / "0.arrow", tmp_path / "fresh.arrow"
    write(inspected(folder, NAMES[:1]), path, folder)
    before = path.read_bytes()
    ended = f"""
import hashlib, os, resource, signal
from pathlib import Path
from nearkin.images import pixel_cache, reader
from nearkin.storage.atomic import DamagedError
from tests.factories.images import inspected, preprocessing
folder, read, pixel_cache.CHUNK_ROWS = Path({str(folder)!r}), reader.decode_rgb, 2
table = inspected(folder, {NAMES})
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
is_last = lambda data: hashlib.sha256(data).hexdigest() == table["sha256"][-1]
{END[end]}
path = {str(path)!r}
pixel_cache.write_cache(table, path, earlier_path=path, preprocessing=preprocessing(folder), n_threads=1)
"""
    done = subprocess.run([sys.executable, "-c", ended], cwd=ROOT, stderr=subprocess.PIPE, check=False)
    assert done.returncode == code
    assert end == "kill" or b"File too large" in done.stderr
    assert path.read_bytes() == before
    write(inspected(folder, NAMES), path, folder)
    write(inspected(folder, NAMES), fresh, folder)
    assert path.read_bytes() == fresh.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["0.arrow", "fresh.arrow", "photos"]


def test_shards_without_a_store_are_one_source_of_image_files(folder, tmp_path):
    inspections, stores = [], []
    for shard in range(3):
        inspections.append(tmp_path / f"{shard}.parquet")
        stores.append(tmp_path / f"{shard}.arrow")
        inspection = inspected(folder, NAMES[shard::3])
        tables.write(inspection.with_columns(thumbnail=pl.lit(None, pl.Binary)), inspections[-1], Inspection)
        write(inspection, stores[-1], folder)

    def opened(some):
        return pixel_cache.open_sources(some, inspections, preprocessing=preprocessing(folder), n_threads=2)

    assert [type(source) for source in opened(stores)] == [pixel_cache.PixelCache] * 3
    (source,) = opened([])
    assert (
        isinstance(source, reader.ImageFileReader)
        and list(source.uuids) == inspected(folder, NAMES)["uuid"].to_list()
    )
    for store in stores[1:]:
        date, size = store.stat().st_mtime_ns, store.stat().st_size
        assert empty_cache(store) == size and store.stat().st_mtime_ns == date
    kept, given_back = opened(stores)
    assert list(kept.uuids) == inspected(folder, NAMES[0::3])["uuid"].to_list()
    assert list(given_back.uuids) == inspected(folder, NAMES[1::3] + NAMES[2::3])["uuid"].to_list()
    row = list(source.uuids).index(given_back.uuids[0])
    assert np.array_equal(given_back[0], source[row])
    assert write(inspected(folder, NAMES[1::3]), stores[1], folder) == (2, 0)
