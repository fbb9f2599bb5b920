"""The small study, from the delivered folder to the report."""

import json
import subprocess
import sys

import polars as pl
import polars.selectors as cs
import pytest

from tests.workflow import runs

RESULTS = "results/museum"


def test_all_documented_results_exist(finished_study):
    results = finished_study / RESULTS
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


def test_the_csv_file_of_a_table_has_the_same_content(finished_study):
    for table in ["statistics", "lite0/metrics", "lite0/tuned/claims"]:
        path = finished_study / RESULTS / ("comparisons" if table.count("/") > 1 else "") / f"{table}.parquet"
        frame = pl.read_parquet(path).with_columns(cs.list().list.join("; "))
        csv = pl.read_csv(path.with_suffix(".csv"), schema=frame.schema)
        without_empty_texts = cs.string().replace("", None)  # CSV cannot distinguish an empty text from null
        assert csv.with_columns(without_empty_texts).equals(frame.with_columns(without_empty_texts))


def test_the_study_ran_without_a_network(finished_study):
    if not runs.can_isolate_network():
        pytest.skip("this system has no network namespaces (unshare --net)")
    devices = "import socket; print([name for _, name in socket.if_nameindex()])"
    command = [*runs.NO_NETWORK, sys.executable, "-c", devices]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "['lo']\n"


def test_a_second_run_does_nothing(finished_study):
    before = {path: path.stat().st_mtime_ns for path in (finished_study / RESULTS).rglob("*")}
    assert "Nothing to be done" in runs.run_snakemake(finished_study)
    assert before == {path: path.stat().st_mtime_ns for path in (finished_study / RESULTS).rglob("*")}


def test_a_real_encoder_beats_an_untrained_one(finished_study):
    recall = {
        model: pl.read_parquet(finished_study / RESULTS / model / "metrics.parquet")
        .filter(protocol="leave_one_out", level="category", metric="recall", k=1)
        .filter(average="micro", query_subset="all", category="all")["value"]
        .item()
        for model in ("untrained", "lite0")
    }
    assert recall["lite0"] > recall["untrained"]


def test_the_snakemake_report_can_be_made(finished_study):
    runs.run_snakemake(finished_study, "--report", "snakemake-report.html")
    assert (finished_study / "snakemake-report.html").stat().st_size > 100_000


def test_curate_needs_no_encoder(finished_study):
    rules = {rule for rule, _ in runs.plan_jobs(finished_study, "--forceall", "curate")}
    assert rules == {
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
