"""External embeddings: matched by uuid or path, of any float type, validated."""

import numpy as np
import polars as pl
import pytest

from nearkin.embeddings.external import fingerprint_table, import_vectors

INSPECTION = pl.DataFrame(
    {
        "uuid": ["a", "b", "c"],
        "path": ["x/a.jpg", "x/caf\u00e9.jpg", "x/c.jpg"],
        "error": [None, None, "empty"],
        "sha256": ["1", "2", "3"],
    }
)


def make_table(**changes):
    return pl.DataFrame({"uuid": ["b", "a", "z"], "emb": [[0.0, 2.0], [3.0, 4.0], [1.0, 1.0]]} | changes)


def import_table(frame):
    return import_vectors(frame, INSPECTION, source="foreign.parquet")


def test_vectors_are_matched_by_uuid_and_normalised():
    result = import_table(make_table())
    assert result["uuid"].to_list() == ["a", "b"] and result["sha256"].to_list() == ["1", "2"]
    assert result.schema["emb"] == pl.Array(pl.Float32, 2)
    assert np.allclose(result["emb"].to_numpy(), [[0.6, 0.8], [0.0, 1.0]])


def test_paths_match_in_any_unicode_form_and_floats_of_any_type():
    frame = pl.DataFrame({"path": ["x/cafe\u0301.jpg", "x/a.jpg"], "vector": [[0.0, 2.0], [3.0, 4.0]]})
    for kind in (pl.List(pl.Float64), pl.Array(pl.Float16, 2), pl.Array(pl.Float32, 2)):
        result = import_table(frame.with_columns(pl.col("vector").cast(kind)))
        assert np.allclose(result["emb"].to_numpy(), [[0.6, 0.8], [0.0, 1.0]], atol=1e-3)


@pytest.mark.parametrize(
    "frame, message",
    [
        (make_table(uuid=["b", "q", "z"]), r"image x/a.jpg \(a\) has no vector"),
        (make_table(uuid=["b", "a", "a"]), "image x/a.jpg .* has several vectors"),
        (make_table(emb=[[0.0, 2.0], [3.0], [1.0, 1.0]]), "vectors of different widths"),
        (
            make_table(emb=[[0.0, 2.0], [float("nan"), 4.0], [1.0, 1.0]]),
            "image x/a.jpg is zero or not finite",
        ),
        (make_table(emb=[[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]]), "image x/caf.*.jpg is zero or not finite"),
        (make_table(emb=[["1"], ["2"], ["3"]]), "holds String, not numbers"),
        (make_table(emb=[1.0, 2.0, 3.0]), "column 'emb' is Float64, not a list of numbers"),
        (make_table(emb=[b"12", b"34", b"56"]), "column 'emb' is Binary, not a list of numbers"),
        (make_table(emb=[[b"1"], [b"2"], [b"3"]]), "holds Binary, not numbers"),
        (make_table(emb=[[[1.0]], [[2.0]], [[3.0]]]), "holds List.*, not numbers"),
        (
            make_table(uuid=[["b"], ["a"], ["z"]]),
            r"column 'uuid' is List\(String\), not a text; write each image's",
        ),
        (make_table(uuid=[b"\xff", b"a", b"z"]), "column 'uuid' is Binary, not a text; write each image's"),
        (make_table(vector=[[1.0], [1.0], [1.0]]), "which column holds the vectors"),
        (pl.DataFrame({"id": ["a"], "emb": [[1.0]]}), "neither uuid nor path"),
    ],
)
def test_unusable_tables_are_reported(frame, message):
    with pytest.raises(ValueError, match=f"foreign.parquet: .*{message}"):
        import_table(frame)


def test_other_columns_of_a_table_are_ignored():
    more = make_table().with_columns(tags=pl.Series([["x"], [], None]), bytes=pl.lit(b"\xff"), n=pl.lit(1))
    assert import_table(more).equals(import_table(make_table()))
    assert fingerprint_table(more, "f") == fingerprint_table(make_table(), "f")


def test_an_empty_shard_keeps_the_width():
    result = import_vectors(make_table(), INSPECTION.head(0), source="foreign.parquet")
    assert result.shape == (0, 3) and result.schema["emb"] == pl.Array(pl.Float32, 2)


def test_the_fingerprint_follows_keys_and_values():
    first = fingerprint_table(make_table(), "f")
    assert first == fingerprint_table(make_table(), "f")
    assert first != fingerprint_table(make_table(uuid=["b", "a", "y"]), "f")
    assert first != fingerprint_table(make_table(emb=[[0.0, 2.0], [3.0, 4.0], [1.0, 1.5]]), "f")
