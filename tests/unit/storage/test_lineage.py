"""The lineage in results, and the refusal of inputs from different versions."""

import json

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from nearkin.storage import lineage, tables
from nearkin.storage.atomic import DamagedError, file_sha256
from nearkin.storage.lineage import StaleError, trace, trace_inputs
from nearkin.tables.splits import Splits


def make_table(*uuids, split="test"):
    columns = {"uuid": uuids, "split": [split] * len(uuids), "group_id": uuids}
    missing = pl.lit(None, dtype=pl.String)
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_columns(
        reason=missing, evidence=missing
    )


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_traced(path, frame, *inputs, part=False):
    """Write a table in a step with these inputs."""
    with trace_inputs(inputs, part=part):
        tables.write(frame, path, Splits)
    return path


def test_a_table_lists_direct_and_indirect_inputs(workdir):
    labels = write_traced("d/labels.parquet", make_table("a", "b"))
    scores = write_traced("d/m/scores.parquet", make_table("c"), labels)
    report = trace([write_traced("d/report.parquet", make_table("d"), scores)])
    assert set(report.made_from) == {"d/labels", "d/m/scores", "d/report"}
    assert report.made_from["d/labels"] == tables.read_metadata(labels)["content"]
    assert "polars" in report.versions


def test_row_order_and_shards_change_no_digest(workdir):
    whole = write_traced("d/whole.parquet", make_table("a", "b", "c"))
    shards = [
        write_traced(f"d/inspection/{i}.parquet", make_table(*uuids)) for i, uuids in enumerate(["ab", "c"])
    ]
    other = [
        write_traced(f"e/inspection/{i}.parquet", make_table(*uuids))
        for i, uuids in enumerate(["b", "", "ca"])
    ]
    digest = tables.read_metadata(whole)["content"]
    assert trace(shards).made_from == {"d/inspection": digest}
    assert trace(other).made_from == {"e/inspection": digest}
    assert trace(shards, part=True).made_from.keys() == {"d/inspection/0", "d/inspection/1"}
    assert lineage.content_digest([make_table("a", "b", "d")]) != digest


def test_inputs_from_two_versions_of_one_table_are_refused(workdir):
    labels = write_traced("d/labels.parquet", make_table("a"))
    base = write_traced("d/base.parquet", make_table("b"), labels)
    write_traced(labels, make_table("a", "x"))
    trained = write_traced("d/trained.parquet", make_table("b"), labels)
    with pytest.raises(StaleError, match=r"d/trained.parquet: .* d/labels than d/base.parquet; .*--forcerun"):
        write_traced("d/comparison.parquet", make_table("c"), base, trained)
    with pytest.raises(StaleError, match="d/labels than d/base.parquet"):
        trace([base, labels])
    assert not (workdir / "d/comparison.parquet").exists()
    write_traced(labels, make_table("a"))  # the same content again is the same version
    trace([base, labels])


def test_a_stale_shard_is_refused_with_its_dependents(workdir):
    shards = [write_traced(f"d/inspection/{i}.parquet", make_table(name)) for i, name in enumerate("ab")]
    labels = write_traced("d/labels.parquet", make_table("a", "b"), *shards)
    embedded = [
        write_traced(f"d/m/embeddings/{i}.parquet", make_table(name), shards[i], part=True)
        for i, name in enumerate("ab")
    ]
    assert set(trace([labels, *embedded]).made_from) == {"d/labels", "d/m/embeddings", "d/inspection"}
    write_traced(shards[1], make_table("c"))
    embedded[1] = write_traced(embedded[1], make_table("c"), shards[1], part=True)
    with pytest.raises(StaleError, match=r"d/inspection .*--forcerun d/inspection/\*\.parquet$"):
        trace([labels, *embedded])


def test_a_joined_table_has_its_own_digest(workdir):
    """Its chunks may carry the digest that another version of polars gave to the same rows."""
    chunk = write_traced("d/m/neighbours/0.parquet", make_table("a"))
    joined = write_traced("d/m/neighbours.parquet", make_table("b"), chunk)
    assert (
        trace([write_traced("d/query_scores.parquet", make_table("c"), joined)]).made_from["d/m/neighbours"]
        == (tables.read_metadata(joined)["content"])
    )


def test_numbers_are_names_without_shards(workdir):
    clusters = [write_traced(f"d/clusters/{n}.parquet", make_table(n)) for n in ("200", "500")]
    models = [
        write_traced(f"d/m{i}/query_scores.parquet", make_table("a"), path) for i, path in enumerate(clusters)
    ]
    assert {"d/clusters/200", "d/clusters/500"} <= trace(models).made_from.keys()


def test_an_input_that_is_replaced_during_a_step_is_an_error(workdir):
    labels, other = (
        write_traced("d/labels.parquet", make_table("a")),
        write_traced("d/other.parquet", make_table("b")),
    )
    with (
        pytest.raises(StaleError, match="d/labels.parquet: was changed while it was read"),
        trace_inputs([labels]),
    ):
        (workdir / other).replace(labels)
    with trace_inputs([labels]):
        (workdir / labels).touch()


def test_an_outside_file_must_not_change_after_planning(workdir):
    taxonomy = workdir / "taxonomy.csv"
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
        raise AssertionError("must not start")


def test_the_lineage_of_an_outside_table_is_ignored(workdir):
    labels = write_traced("d/labels.parquet", make_table("a"))
    previous = write_traced("previous.parquet", make_table("b"), labels)
    write_traced(labels, make_table("a", "x"))
    outside = {previous: file_sha256(previous)}
    with trace_inputs([labels, previous], outside=outside):
        tables.write(make_table("c"), "d/splits.parquet", Splits)
    assert trace(["d/splits.parquet"]).made_from.keys() == {"d/labels", "d/splits"}


def test_damaged_results_are_renamed_but_outside_files_are_not(workdir):
    inside, outside = (
        write_traced("d/labels.parquet", make_table("a")),
        write_traced("d/previous.parquet", make_table("a")),
    )
    for path in (inside, outside):
        (workdir / path).write_bytes(b"damaged")
    digests = {outside: file_sha256(outside)}
    for path in (inside, outside):
        with pytest.raises(DamagedError, match=path), trace_inputs([inside, outside], outside=digests):
            tables.read(path, Splits)
    assert not (workdir / inside).exists() and (workdir / f"{inside}.damaged").exists()
    assert (workdir / outside).exists()


def test_a_system_error_does_not_count_as_damage(workdir, monkeypatch):
    path = write_traced("d/labels.parquet", make_table("a"))

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pyarrow.parquet.ParquetFile", refuse)
    with pytest.raises(ValueError, match="Permission denied"), trace_inputs([path]):
        tables.read(path, Splits)
    assert (workdir / path).exists()


def test_versions_of_inputs_are_propagated(workdir):
    labels = write_traced("d/labels.parquet", make_table("a"))
    metadata = {f"nearkin.{key}": value for key, value in tables.read_metadata(labels).items()}
    metadata["nearkin.versions"] = json.dumps({"torch": ["2.0"], "polars": ["0.1"]})
    make_table("a").write_parquet(labels, metadata=metadata)
    versions = trace([write_traced("d/scores.parquet", make_table("b"), labels)]).versions
    assert versions["torch"] == ["2.0"] or "2.0" in versions["torch"]
    assert versions["polars"][0] == "0.1" and len(versions["polars"]) == 2


def test_a_text_encoder_is_identified_by_its_fingerprint(workdir):
    for fingerprint in ("one", "two"):
        save_file(
            {"a": np.ones(1)}, "t.safetensors", {"text_encoder": json.dumps({"fingerprint": fingerprint})}
        )
        write_traced(f"{fingerprint}.parquet", make_table("a"), "t.safetensors")
    with pytest.raises(StaleError, match="another version of t than one.parquet"):
        trace(["one.parquet", "two.parquet"])
    save_file({"a": np.ones(1)}, "t.safetensors")
    assert lineage.read_lineage("t.safetensors") == {}


def test_several_jobs_may_read_a_damaged_file(workdir):
    write_traced("d/labels.parquet", make_table("a"))
    for _ in range(2):
        with (
            pytest.raises(DamagedError, match="renamed to labels.parquet.damaged"),
            trace_inputs(["d/labels.parquet"]),
        ):
            raise DamagedError("d/labels.parquet", "is cut")
