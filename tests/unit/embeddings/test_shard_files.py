"""Shards of embeddings: whole, streamed, the same bytes however parted, and no flipped bit goes unseen."""

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


def table(n=50, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"{i:03d}" for i in range(n)]
    return pl.DataFrame({"uuid": names, "sha256": names[::-1], "emb": vectors.astype("f4")}, schema=SCHEMA)


def written(path, parts):
    shard_files.write_shard(parts, path, width=WIDTH, fingerprint="f", model="m")
    return path


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(shard_files, "ROW_GROUP_ROWS", 20)


def test_what_is_written_is_read_in_parts(tmp_path):
    path = written(tmp_path / "0.parquet", table().iter_slices(20))
    assert [len(part) for part in shard_files.iter_row_groups(path)] == [20, 20, 10]
    assert pl.concat(shard_files.iter_row_groups(path)).equals(table())
    assert tables.read(path, make_embeddings_schema(WIDTH)).equals(table())
    assert {"fingerprint": "f", "model": "m", "table": "Embeddings"}.items() <= tables.read_metadata(
        path
    ).items()


def test_the_digest_does_not_depend_on_how_the_rows_are_parted(tmp_path):
    first = written(tmp_path / "a.parquet", table().iter_slices(20))
    again = written(tmp_path / "b.parquet", table().iter_slices(20))
    assert first.read_bytes() == again.read_bytes()
    whole = written(tmp_path / "c.parquet", [table()])
    assert tables.read_metadata(first)["digest"] == tables.read_metadata(whole)["digest"]
    other = written(tmp_path / "d.parquet", [table(seed=1)])
    assert tables.read_metadata(first)["digest"] != tables.read_metadata(other)["digest"]


def test_other_readers_take_it_as_it_is(tmp_path):
    path, wanted = written(tmp_path / "0.parquet", table().iter_slices(20)), table()
    assert pl.read_parquet(path).schema == SCHEMA
    assert pl.scan_parquet(path).filter(uuid="007").select("emb").collect()["emb"][0].to_list() == list(
        wanted["emb"][7]
    )
    arrow = pq.read_table(path, columns=["uuid", "emb"])
    assert np.array_equal(np.stack(arrow["emb"].to_numpy()), wanted["emb"].to_numpy())
    frame = pd.read_parquet(path)  # as emb-explorer opens it
    assert np.array_equal(np.stack(frame["emb"].to_list()), wanted["emb"].to_numpy())


def test_duckdb_takes_it_as_it_is(tmp_path):
    path = written(tmp_path / "0.parquet", table().iter_slices(20))
    found = duckdb.read_parquet(str(path)).order("uuid").fetchnumpy()
    assert np.array_equal(np.stack(found["emb"]), table()["emb"].to_numpy())


def test_every_flipped_byte_that_changes_a_value_is_noticed_and_named(tmp_path):
    path = written(tmp_path / "0.parquet", table().iter_slices(20))
    data, noticed, harmless = path.read_bytes(), 0, 0
    for position in range(0, len(data), 7):
        path.write_bytes(data[:position] + bytes([data[position] ^ 16]) + data[position + 1 :])
        try:
            found = pl.concat(shard_files.iter_row_groups(path))
        except ValueError as error:
            assert "0.parquet" in str(error)
            noticed += 1
        else:
            assert found.equals(table())  # a byte that nothing is read from, such as statistics
            harmless += 1
    assert noticed > harmless


def test_a_file_without_a_digest_is_not_trusted(tmp_path):
    table().write_parquet(tmp_path / "0.parquet")
    with pytest.raises(ValueError, match=r"0\.parquet: damaged"):
        list(shard_files.iter_row_groups(tmp_path / "0.parquet"))


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_parts_out_of_order_are_refused(tmp_path, order):
    parts = list(table(40).iter_slices(20))
    with pytest.raises(ValueError, match="not in the order of their uuids"):
        written(tmp_path / "0.parquet", [parts[i] for i in order])
    assert not list(tmp_path.iterdir())


class Killed(BaseException):
    pass


def broken(error):
    yield from table().head(20).iter_slices(20)
    raise error


@pytest.mark.parametrize("error", [Killed(), ValueError("image 3 is zero"), OSError(errno.EIO, "of pixels")])
def test_a_shard_that_breaks_off_leaves_the_old_file(tmp_path, error):
    path = written(tmp_path / "0.parquet", [table()])
    before = path.read_bytes()
    with pytest.raises(type(error)):
        written(path, broken(error))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["0.parquet"]


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path):
    resource = pytest.importorskip("resource")
    path = written(tmp_path / "0.parquet", [table(5)])
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"0\.parquet: no room to write it"):
            written(path, table(900).iter_slices(20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["0.parquet"]
