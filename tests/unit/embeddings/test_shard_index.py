"""The index of a model's shards reports missing, replaced or foreign shards."""

import json

import numpy as np
import pytest

from nearkin.embeddings.shard_index import read_index, sign_index, write_index
from tests.unit.embeddings.test_load import shard

UNIT = np.eye(4, dtype=np.float32)


@pytest.fixture
def paths(tmp_path):
    return [shard(tmp_path / f"{n}.parquet", [uuid], UNIT[n : n + 1]) for n, uuid in enumerate("ab")]


@pytest.fixture
def shards(paths, tmp_path):
    write_index(paths, tmp_path / "shards.json")
    return tmp_path / "shards.json"


def test_an_index_lists_its_shards_and_their_fingerprint(paths, shards):
    assert read_index(shards) == (paths, "f")


def test_a_folder_may_be_moved_with_its_index(shards, tmp_path):
    tmp_path.rename(moved := tmp_path.with_name(f"{tmp_path.name} moved"))
    assert [path.parent for path in read_index(moved / "shards.json")[0]] == [moved, moved]


def test_a_missing_or_replaced_shard_is_reported(paths, shards):
    shard(paths[1], ["b"], UNIT[2:3])
    with pytest.raises(ValueError, match=r"shards\.json: lists another shard than .*1\.parquet; remove"):
        read_index(shards)
    paths[1].unlink()
    with pytest.raises(ValueError, match=r"shards\.json: lists .*1\.parquet, which is gone; remove"):
        read_index(shards)


def test_shards_of_two_encoders_are_refused(paths, tmp_path):
    shard(paths[1], ["b"], UNIT[1:2], "other")
    with pytest.raises(ValueError, match="several encoders"):
        write_index(paths, tmp_path / "shards.json")
    assert not (tmp_path / "shards.json").exists()


@pytest.mark.parametrize(
    "change", [{"shards": [{"file": "../0.parquet"}]}, {"shards": 3}, {"fingerprint": "x"}]
)
def test_a_manipulated_index_is_refused(shards, change):
    shards.write_text(json.dumps(sign_index(json.loads(shards.read_text()) | change)))
    with pytest.raises(ValueError, match="shards.json: .*; remove it and rerun"):
        read_index(shards)


@pytest.mark.parametrize("content", ["", "[]", "3", '"shards"', "null"])
def test_a_file_that_is_not_an_index_is_reported(shards, content):
    shards.write_text(content)
    with pytest.raises(ValueError, match="shards.json: cannot be read as a list of shards: .*; remove it"):
        read_index(shards)


def test_a_flipped_byte_is_refused_or_harmless(shards):
    content = shards.read_bytes()
    for position in range(len(content)):
        shards.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        try:
            indexed_paths, fingerprint = read_index(shards)
        except ValueError:
            continue
        assert content[position : position + 1].isspace()
        assert fingerprint == "f"
        assert len(indexed_paths) == 2
