"""What results say they were made from, and that inputs which do not belong together are refused."""

import json

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from nearkin.storage import lineage, tables
from nearkin.storage.atomic import DamagedError, file_sha256
from nearkin.storage.lineage import StaleError, trace, trace_inputs
from nearkin.tables.splits import Splits


def table(*uuids, split="test"):
    columns = {"uuid": uuids, "split": [split] * len(uuids), "group_id": uuids}
    nothing = pl.lit(None, dtype=pl.String)
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_columns(
        reason=nothing, evidence=nothing
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(path, frame, *inputs, part=False):
    """Write a table in a step with these inputs."""
    with trace_inputs(inputs, part=part):
        tables.write(frame, path, Splits)
    return path


def test_a_table_says_what_it_was_made_from_at_any_distance(folder):
    labels = made("d/labels.parquet", table("a", "b"))
    scores = made("d/m/scores.parquet", table("c"), labels)
    report = trace([made("d/report.parquet", table("d"), scores)])
    assert set(report.made_from) == {"d/labels", "d/m/scores", "d/report"}
    assert report.made_from["d/labels"] == tables.read_metadata(labels)["content"]
    assert "polars" in report.versions


def test_the_order_of_rows_and_the_number_of_shards_change_no_digest(folder):
    whole = made("d/whole.parquet", table("a", "b", "c"))
    shards = [made(f"d/inspection/{i}.parquet", table(*uuids)) for i, uuids in enumerate(["ab", "c"])]
    other = [made(f"e/inspection/{i}.parquet", table(*uuids)) for i, uuids in enumerate(["b", "", "ca"])]
    digest = tables.read_metadata(whole)["content"]
    assert trace(shards).made_from == {"d/inspection": digest}
    assert trace(other).made_from == {"e/inspection": digest}
    assert trace(shards, part=True).made_from.keys() == {"d/inspection/0", "d/inspection/1"}
    assert lineage.content_digest([table("a", "b", "d")]) != digest


def test_inputs_from_two_versions_of_one_table_are_refused(folder):
    labels = made("d/labels.parquet", table("a"))
    base = made("d/base.parquet", table("b"), labels)
    made(labels, table("a", "x"))
    trained = made("d/trained.parquet", table("b"), labels)
    with pytest.raises(StaleError, match=r"d/trained.parquet: .* d/labels than d/base.parquet; .*--forcerun"):
        made("d/comparison.parquet", table("c"), base, trained)
    with pytest.raises(StaleError, match="d/labels than d/base.parquet"):
        trace([base, labels])
    assert not (folder / "d/comparison.parquet").exists()
    made(labels, table("a"))  # the same content again is the same version
    trace([base, labels])


def test_a_stale_shard_is_refused_by_what_was_made_of_all(folder):
    shards = [made(f"d/inspection/{i}.parquet", table(name)) for i, name in enumerate("ab")]
    labels = made("d/labels.parquet", table("a", "b"), *shards)
    embedded = [
        made(f"d/m/embeddings/{i}.parquet", table(name), shards[i], part=True) for i, name in enumerate("ab")
    ]
    assert set(trace([labels, *embedded]).made_from) == {"d/labels", "d/m/embeddings", "d/inspection"}
    made(shards[1], table("c"))
    embedded[1] = made(embedded[1], table("c"), shards[1], part=True)
    with pytest.raises(StaleError, match=r"d/inspection .*--forcerun d/inspection/\*\.parquet$"):
        trace([labels, *embedded])


def test_a_joined_table_counts_by_its_own_digest(folder):
    """Its chunks may carry the digest that another version of polars gave to the same rows."""
    chunk = made("d/m/neighbours/0.parquet", table("a"))
    joined = made("d/m/neighbours.parquet", table("b"), chunk)
    assert (
        trace([made("d/query_scores.parquet", table("c"), joined)]).made_from["d/m/neighbours"]
        == (tables.read_metadata(joined)["content"])
    )


def test_numbers_are_names_where_there_are_no_shards(folder):
    clusters = [made(f"d/clusters/{n}.parquet", table(n)) for n in ("200", "500")]
    models = [made(f"d/m{i}/query_scores.parquet", table("a"), path) for i, path in enumerate(clusters)]
    assert {"d/clusters/200", "d/clusters/500"} <= trace(models).made_from.keys()


def test_an_input_that_is_replaced_meanwhile_ends_the_step(folder):
    labels, other = made("d/labels.parquet", table("a")), made("d/other.parquet", table("b"))
    with (
        pytest.raises(StaleError, match="d/labels.parquet: was changed while it was read"),
        trace_inputs([labels]),
    ):
        (folder / other).replace(labels)
    with trace_inputs([labels]):
        (folder / labels).touch()


def test_an_outside_file_must_be_what_it_was_when_the_run_was_planned(folder):
    taxonomy = folder / "taxonomy.csv"
    taxonomy.write_text("a")
    outside = {"taxonomy.csv": file_sha256(taxonomy)}
    with trace_inputs(["taxonomy.csv"], outside=outside):
        pass
    with pytest.raises(StaleError, match="taxonomy.csv"), trace_inputs(["taxonomy.csv"], outside=outside):
        taxonomy.write_text("b")
    with (
        pytest.raises(StaleError, match="taxonomy.csv: was changed since"),
        trace_inputs([], outside=outside),
    ):
        raise AssertionError("not begun")


def test_what_an_outside_table_was_made_from_does_not_count(folder):
    labels = made("d/labels.parquet", table("a"))
    previous = made("previous.parquet", table("b"), labels)
    made(labels, table("a", "x"))
    outside = {previous: file_sha256(previous)}
    with trace_inputs([labels, previous], outside=outside):
        tables.write(table("c"), "d/splits.parquet", Splits)
    assert trace(["d/splits.parquet"]).made_from.keys() == {"d/labels", "d/splits"}


def test_damaged_results_are_renamed_and_what_is_outside_is_not(folder):
    inside, outside = made("d/labels.parquet", table("a")), made("d/previous.parquet", table("a"))
    for path in (inside, outside):
        (folder / path).write_bytes(b"damaged")
    digests = {outside: file_sha256(outside)}
    for path in (inside, outside):
        with pytest.raises(DamagedError, match=path), trace_inputs([inside, outside], outside=digests):
            tables.read(path, Splits)
    assert not (folder / inside).exists() and (folder / f"{inside}.damaged").exists()
    assert (folder / outside).exists()


def test_an_error_of_the_system_is_no_damage(folder, monkeypatch):
    path = made("d/labels.parquet", table("a"))

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pyarrow.parquet.ParquetFile", refuse)
    with pytest.raises(ValueError, match="Permission denied"), trace_inputs([path]):
        tables.read(path, Splits)
    assert (folder / path).exists()


def test_versions_of_inputs_are_carried_on(folder):
    labels = made("d/labels.parquet", table("a"))
    stamps = {f"nearkin.{key}": value for key, value in tables.read_metadata(labels).items()}
    stamps["nearkin.versions"] = json.dumps({"torch": ["2.0"], "polars": ["0.1"]})
    table("a").write_parquet(labels, metadata=stamps)
    versions = trace([made("d/scores.parquet", table("b"), labels)]).versions
    assert versions["torch"] == ["2.0"] or "2.0" in versions["torch"]
    assert versions["polars"][0] == "0.1" and len(versions["polars"]) == 2


def test_a_text_encoder_is_known_by_its_fingerprint(folder):
    for fingerprint in ("one", "two"):
        save_file(
            {"a": np.ones(1)}, "t.safetensors", {"text_encoder": json.dumps({"fingerprint": fingerprint})}
        )
        made(f"{fingerprint}.parquet", table("a"), "t.safetensors")
    with pytest.raises(StaleError, match="another version of t than one.parquet"):
        trace(["one.parquet", "two.parquet"])
    save_file({"a": np.ones(1)}, "t.safetensors")
    assert lineage.read_lineage("t.safetensors") == {}


def test_a_damaged_file_may_be_met_by_several_jobs(folder):
    made("d/labels.parquet", table("a"))
    for _ in range(2):
        with (
            pytest.raises(DamagedError, match="renamed to labels.parquet.damaged"),
            trace_inputs(["d/labels.parquet"]),
        ):
            raise DamagedError("d/labels.parquet", "is cut")
