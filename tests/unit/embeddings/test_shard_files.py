"""Shards of embeddings: complete, streamed, independent of chunks, and flipped bits are detected."""

import errno

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from nearkin.embeddings import shard_files
from nearkin.storage import tables
from nearkin.tables.embeddings import make_embeddings_schema

WIDTH = 8
SCHEMA = {"uuid": pl.String, "sha256": pl.String, "emb": pl.Array(pl.Float32, WIDTH)}


def make_table(n=50, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"{i:03d}" for i in range(n)]
    return pl.DataFrame({"uuid": names, "sha256": names[::-1], "emb": vectors.astype("f4")}, schema=SCHEMA)


def write_chunks(path, chunks):
    shard_files.write_shard(chunks, path, width=WIDTH, fingerprint="f", model="m")
    return path


@pytest.fixture(autouse=True)
def small_row_groups(monkeypatch):
    monkeypatch.setattr(shard_files, "ROW_GROUP_ROWS", 20)


def test_a_shard_is_read_in_row_groups(tmp_path):
    path = write_chunks(tmp_path / "0.parquet", make_table().iter_slices(20))
    assert [len(part) for part in shard_files.iter_row_groups(path)] == [20, 20, 10]
    assert pl.concat(shard_files.iter_row_groups(path)).equals(make_table())
    assert tables.read(path, make_embeddings_schema(WIDTH)).equals(make_table())
    assert {"fingerprint": "f", "model": "m", "table": "Embeddings"}.items() <= tables.read_metadata(
        path
    ).items()


def test_the_digest_does_not_depend_on_row_groups(tmp_path):
    first = write_chunks(tmp_path / "a.parquet", make_table().iter_slices(20))
    again = write_chunks(tmp_path / "b.parquet", make_table().iter_slices(20))
    assert first.read_bytes() == again.read_bytes()
    whole = write_chunks(tmp_path / "c.parquet", [make_table()])
    assert tables.read_metadata(first)["digest"] == tables.read_metadata(whole)["digest"]
    other = write_chunks(tmp_path / "d.parquet", [make_table(seed=1)])
    assert tables.read_metadata(first)["digest"] != tables.read_metadata(other)["digest"]


def test_polars_arrow_and_pandas_read_a_shard(tmp_path):
    path, expected = write_chunks(tmp_path / "0.parquet", make_table().iter_slices(20)), make_table()
    assert pl.read_parquet(path).schema == SCHEMA
    assert pl.scan_parquet(path).filter(uuid="007").select("emb").collect()["emb"][0].to_list() == list(
        expected["emb"][7]
    )
    arrow = pq.read_table(path, columns=["uuid", "emb"])
    assert np.array_equal(np.stack(arrow["emb"].to_numpy()), expected["emb"].to_numpy())
    frame = pd.read_parquet(path)  # as emb-explorer opens it
    assert np.array_equal(np.stack(frame["emb"].to_list()), expected["emb"].to_numpy())


def test_duckdb_reads_a_shard(tmp_path):
    path = write_chunks(tmp_path / "0.parquet", make_table().iter_slices(20))
    columns = duckdb.read_parquet(str(path)).order("uuid").fetchnumpy()
    assert np.array_equal(np.stack(columns["emb"]), make_table()["emb"].to_numpy())


def test_flipped_bytes_that_change_a_value_are_reported(tmp_path):
    path = write_chunks(tmp_path / "0.parquet", make_table().iter_slices(20))
    data, n_detected, n_harmless = path.read_bytes(), 0, 0
    for position in range(0, len(data), 7):
        path.write_bytes(data[:position] + bytes([data[position] ^ 16]) + data[position + 1 :])
        try:
            rows = pl.concat(shard_files.iter_row_groups(path))
        except ValueError as error:
            assert "0.parquet" in str(error)
            n_detected += 1
        else:
            assert rows.equals(make_table())  # a byte without effect, such as statistics
            n_harmless += 1
    assert n_detected > n_harmless


def test_a_file_without_a_digest_is_not_trusted(tmp_path):
    make_table().write_parquet(tmp_path / "0.parquet")
    with pytest.raises(ValueError, match=r"0\.parquet: damaged"):
        list(shard_files.iter_row_groups(tmp_path / "0.parquet"))


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_unsorted_chunks_are_refused(tmp_path, order):
    chunks = list(make_table(40).iter_slices(20))
    with pytest.raises(ValueError, match="not in the order of their uuids"):
        write_chunks(tmp_path / "0.parquet", [chunks[i] for i in order])
    assert not list(tmp_path.iterdir())


class Killed(BaseException):
    pass


def fail_midway(error):
    yield from make_table().head(20).iter_slices(20)
    raise error


@pytest.mark.parametrize("error", [Killed(), ValueError("image 3 is zero"), OSError(errno.EIO, "of pixels")])
def test_an_interrupted_shard_leaves_the_old_file(tmp_path, error):
    path = write_chunks(tmp_path / "0.parquet", [make_table()])
    before = path.read_bytes()
    with pytest.raises(type(error)):
        write_chunks(path, fail_midway(error))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["0.parquet"]


def test_a_full_disk_is_reported_and_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource")
    path = write_chunks(tmp_path / "0.parquet", [make_table(5)])
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"0\.parquet: no room to write it"):
            write_chunks(path, make_table(900).iter_slices(20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["0.parquet"]
