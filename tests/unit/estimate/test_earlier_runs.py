"""Rates from earlier runs, by hand."""

import json

import polars as pl
import pytest

from nearkin.estimate import earlier_runs
from nearkin.estimate.stages import Network
from nearkin.storage import tables
from nearkin.tables.resource_usage import ResourceUsage

PROTOCOLS = ["leave_one_out", "train_gallery", "unseen_species"]
N_BY_SPLIT = {"train": 100, "test": 20, "unseen_species": 5}
JOBS = [
    ("embed_images/birds/clip/0", 10, 40, "40 images embedded"),
    ("embed_images/birds/clip/1", 30, 90, "0 images embedded, 40 reused"),
    ("embed_images/birds/clip/2", 4, 30, "16 images embedded"),
    ("finetune_encoder/birds/tuned", 60, 50, "240 images learned from"),
    ("search_neighbours/birds/clip/0", 5, 60, "45 queries"),
    ("draw_thumbnails/birds/0", 1, 10, "3 images drawn"),
    ("draw_thumbnails/birds/1", 3, 10, "5 images drawn"),
    ("clean_labels/birds", 2.5, 20, "125 rows in"),
    ("prepare_encoder/birds/clip", 9, 70, "nothing to count"),
    ("clean_labels/fish", 30, 20, "9 rows in"),
    ("inspect_images/fish.2/0", 8, 20, "4 images inspected"),
]


@pytest.fixture
def folder(tmp_path):
    """What a run of the dataset birds left, and the benchmark files of two others without results."""
    for job, seconds, megabytes, done in JOBS:
        measured, log = tmp_path / f"logs/resource_usage/{job}.tsv", tmp_path / f"logs/{job}.log"
        for path in (measured, log):
            path.parent.mkdir(parents=True, exist_ok=True)
        measured.write_text(f"s\tmax_rss\tcpu_time\n{seconds}\t{megabytes}\t1\n")
        log.write_text(f"2026 INFO nearkin.runtime.logs: done: {done}\n")
    results = tmp_path / "results/birds"
    results.mkdir(parents=True)
    pl.DataFrame({"path": [f"{n}.jpg" for n in range(125)]}).write_parquet(results / "images.parquet")
    splits = [split for split, n in N_BY_SPLIT.items() for _ in range(n)]
    pl.DataFrame({"split": splits}).write_parquet(results / "splits.parquet")
    return tmp_path


@pytest.fixture
def jobs(folder):
    return earlier_runs.read_jobs(folder / "results", folder / "logs", protocols=PROTOCOLS)


def rate_of(jobs, rule, dataset="birds", alike=()):
    rate = earlier_runs.find_rate(jobs, rule, dataset=dataset, alike=alike)
    return rate and (rate.seconds, rate.n_units, rate.largest_job, rate.datasets)


def test_a_job_counts_its_own_images_and_reuse_has_no_rate(jobs):
    assert rate_of(jobs, "embed_images", alike=["clip"]) == (14 / 56, 56, 40, ["birds"])
    assert rate_of(jobs, "finetune_encoder", alike=["tuned"]) == (60 / 240, 240, 240, ["birds"])
    assert rate_of(jobs, "prepare_encoder", alike=["clip"]) == (9, 1, 1, ["birds"])
    memory = earlier_runs.find_rate(jobs, "embed_images", dataset="birds", alike=["clip"]).memory
    assert memory == 40 * 2**20  # that of the job which did nothing new is no measure


def test_a_search_counts_the_pairs_that_its_queries_were_compared_in(jobs):
    n_pairs = 20 * 20 + 20 * 100 + 5 * 5  # of all 45 queries
    seconds, *work, _ = rate_of(jobs, "search_neighbours", alike=["clip"])
    assert [seconds, *work] == pytest.approx([5 / n_pairs, n_pairs, n_pairs])


def test_all_else_counts_the_images_of_the_dataset_shared_by_its_shards(jobs):
    assert rate_of(jobs, "clean_labels") == (2.5 / 125, 125, 125, ["birds"])
    assert rate_of(jobs, "draw_thumbnails") == (4 / 125, 125, 62.5, ["birds"])


def test_the_same_dataset_goes_first_then_any_but_never_another_network(jobs):
    assert rate_of(jobs, "embed_images", "new", ["clip"]) == (14 / 56, 56, 40, ["birds"])
    assert rate_of(jobs, "embed_images", "birds", ["vit"]) is None
    assert rate_of(jobs, "search_neighbours", "new", ["vit"])[3] == ["birds"]
    assert rate_of(jobs, "inspect_images", "birds") == (2, 4, 4, ["fish.2"])
    own = jobs.with_columns(dataset=pl.lit("new"), seconds=4.0)
    assert rate_of(pl.concat([jobs, own]), "inspect_images", "new") == (1, 4, 4, ["new"])
    assert rate_of(pl.concat([jobs, own]), "finetune_encoder", "new", ["tuned"])[3] == ["new"]


def test_what_no_run_has_timed_has_no_rate(jobs, tmp_path):
    assert rate_of(jobs, "group_images") is None
    assert rate_of(jobs, "clean_labels", "fish") == (
        2.5 / 125,
        125,
        125,
        ["birds"],
    )  # nobody knows its images
    nothing = earlier_runs.read_jobs(tmp_path / "no", tmp_path / "where", protocols=PROTOCOLS)
    assert rate_of(nothing, "clean_labels") is None


def test_collected_rows_serve_where_benchmark_files_are_gone(folder, jobs):
    table = jobs.filter(dataset="birds").select(ResourceUsage.column_names())
    tables.write(
        table.with_columns(seconds=pl.col("seconds") * 2),
        folder / "results/birds/resource_usage.parquet",
        ResourceUsage,
    )
    (folder / "logs/resource_usage/clean_labels/birds.tsv").unlink()
    again = earlier_runs.read_jobs(folder / "results", folder / "logs", protocols=PROTOCOLS)
    assert len(again) == len(jobs)
    assert rate_of(again, "clean_labels")[0] == 2 * 2.5 / 125
    assert rate_of(again, "embed_images", alike=["clip"])[0] == 14 / 56  # its files are newer


def test_a_network_is_known_from_the_encoder_of_an_earlier_run(tmp_path):
    path = tmp_path / "fish/clip/encoder/encoder.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"width": 512, "parameters": 7}))
    assert earlier_runs.read_network(tmp_path, ["tuned", "clip"]) == Network(512, 7)
    assert earlier_runs.read_network(tmp_path, ["other"]) == Network()
