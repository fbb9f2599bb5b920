"""Invalid embeddings are refused and reported by image."""

import numpy as np
import polars as pl
import pytest

from nearkin.embeddings import shard_files
from nearkin.embeddings.load import read_vectors

UNIT = np.eye(4, dtype=np.float32)


def shard(path, uuids, vectors, fingerprint="f"):
    frame = pl.DataFrame(
        {"uuid": uuids, "sha256": ["0"] * len(uuids), "emb": vectors},
        schema={"uuid": pl.String, "sha256": pl.String, "emb": pl.Array(pl.Float32, 4)},
    )
    shard_files.write_shard([frame], path, width=4, fingerprint=fingerprint)
    return path


def test_vectors_have_the_requested_order_across_shards(tmp_path):
    paths = [shard(tmp_path / "0", ["a", "c"], UNIT[:2]), shard(tmp_path / "1", ["b"], UNIT[2:3])]
    assert np.array_equal(read_vectors(paths, ["b", "c"]), UNIT[[2, 1]])


@pytest.mark.parametrize(("value", "message"), [(np.nan, "is not finite"), (0.5, "has not unit length")])
def test_a_bad_vector_is_reported(tmp_path, value, message):
    vectors = UNIT[:2].copy()
    vectors[1, 1] = value
    path = shard(tmp_path / "0", ["a", "b"], UNIT[:2])
    emb = pl.Series(vectors, dtype=pl.Array(pl.Float32, 4))
    pl.read_parquet(path).with_columns(emb=emb).write_parquet(path)  # without our validation
    with pytest.raises(ValueError, match=f"embedding of image b {message}"):
        read_vectors([path], ["a", "b"])


def test_a_missing_image_is_reported(tmp_path):
    path = shard(tmp_path / "0", ["a"], UNIT[:1])
    with pytest.raises(ValueError, match="1 images have no embedding, the first is b"):
        read_vectors([path], ["a", "b"])


def test_an_empty_shard_is_valid(tmp_path):
    paths = [shard(tmp_path / "0", [], UNIT[:0]), shard(tmp_path / "1", ["a"], UNIT[:1])]
    assert np.array_equal(read_vectors(paths, ["a"]), UNIT[:1])
    assert read_vectors(paths[:1], []).shape == (0, 4)


def test_unrequested_images_are_skipped(tmp_path):
    paths = [shard(tmp_path / "0", ["a", "b", "z"], UNIT[:3])]
    assert np.array_equal(read_vectors(paths, ["b"]), UNIT[1:2])
    assert read_vectors(paths, []).shape == (0, 4)
