"""The small study from the delivered folder to the report."""

import json
import subprocess
import sys

import polars as pl
import polars.selectors as cs
import pytest

from tests.workflow import runs

RESULTS = "results/museum"


def test_all_that_was_promised_is_there(finished):
    results = finished / RESULTS
    assert (results / "checks.passed").read_text().startswith("all invariants hold\n")
    assert (results / "report.html").stat().st_size > 10_000
    for figure in [
        "recall",
        "leakage",
        "tuned/training",
        "tuned/training_size",
        "tuned/training_buckets",
        "lite0/tuned/improvement_by_species",
        "lite0/tuned/improvement_by_genus",
    ]:
        assert (results / f"figures/{figure}.svg").stat().st_size > 2_000
        assert (results / f"figures/{figure}.png").read_bytes().startswith(b"\x89PNG")
    text = (results / "comparisons/lite0/tuned/comparison.txt").read_text()
    assert text.startswith("Trained\nOverall Category Recall: ")
    assert set(json.loads((results / "headline.json").read_text())) >= {"recalls", "others"}


def test_the_twin_of_a_table_says_the_same(finished):
    for table in ["statistics", "lite0/metrics", "lite0/tuned/claims"]:
        path = finished / RESULTS / ("comparisons" if table.count("/") > 1 else "") / f"{table}.parquet"
        frame = pl.read_parquet(path).with_columns(cs.list().list.join("; "))
        twin = pl.read_csv(path.with_suffix(".csv"), schema=frame.schema)
        nothing = cs.string().replace("", None)  # CSV does not tell an empty text from none
        assert twin.with_columns(nothing).equals(frame.with_columns(nothing))


def test_no_network_was_there(finished):
    if not runs.can_be_alone():
        pytest.skip("this system has no network namespaces (unshare --net)")
    devices = "import socket; print([name for _, name in socket.if_nameindex()])"
    command = [*runs.ALONE, sys.executable, "-c", devices]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "['lo']\n"


def test_a_second_run_does_nothing(finished):
    before = {path: path.stat().st_mtime_ns for path in (finished / RESULTS).rglob("*")}
    assert "Nothing to be done" in runs.snakemake(finished)
    assert before == {path: path.stat().st_mtime_ns for path in (finished / RESULTS).rglob("*")}


def test_a_real_encoder_beats_an_untrained_one(finished):
    recall = {
        model: pl.read_parquet(finished / RESULTS / model / "metrics.parquet")
        .filter(protocol="leave_one_out", level="category", metric="recall", k=1)
        .filter(average="micro", query_subset="all", category="all")["value"]
        .item()
        for model in ("untrained", "lite0")
    }
    assert recall["lite0"] > recall["untrained"]


def test_the_snakemake_report_can_be_made(finished):
    runs.snakemake(finished, "--report", "snakemake-report.html")
    assert (finished / "snakemake-report.html").stat().st_size > 100_000


def test_curate_needs_no_encoder(finished):
    wanted = {rule for rule, _ in runs.planned(finished, "--forceall", "curate")}
    assert wanted == {
        "generate_synthetic",
        "list_images",
        "inspect_images",
        "clean_labels",
        "complete_captions",
        "group_images",
        "split_images",
        "describe_dataset",
        "check_curation",
        "write_audit",
    }
