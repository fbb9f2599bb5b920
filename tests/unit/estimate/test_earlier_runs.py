"""Rates from earlier runs equal values computed by hand."""

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
    """The files of a run on the dataset birds, and benchmark files of two datasets without results."""
    for job, seconds, megabytes, message in JOBS:
        benchmark_path, log_path = tmp_path / f"logs/resource_usage/{job}.tsv", tmp_path / f"logs/{job}.log"
        for path in (benchmark_path, log_path):
            path.parent.mkdir(parents=True, exist_ok=True)
        benchmark_path.write_text(f"s\tmax_rss\tcpu_time\n{seconds}\t{megabytes}\t1\n")
        log_path.write_text(f"2026 INFO nearkin.runtime.logs: done: {message}\n")
    results = tmp_path / "results/birds"
    results.mkdir(parents=True)
    pl.DataFrame({"path": [f"{n}.jpg" for n in range(125)]}).write_parquet(results / "images.parquet")
    splits = [split for split, n in N_BY_SPLIT.items() for _ in range(n)]
    pl.DataFrame({"split": splits}).write_parquet(results / "splits.parquet")
    return tmp_path


@pytest.fixture
def jobs(folder):
    return earlier_runs.read_jobs(folder / "results", folder / "logs", protocols=PROTOCOLS)


def get_rate(jobs, rule, dataset="birds", alike=()):
    """(seconds per unit, units, units of the largest job, datasets) of a rule, or None."""
    rate = earlier_runs.find_rate(jobs, rule, dataset=dataset, alike=alike)
    return rate and (rate.seconds, rate.n_units, rate.largest_job, rate.datasets)


def test_rate_of_a_job_excludes_images_that_it_reuses(jobs):
    assert get_rate(jobs, "embed_images", alike=["clip"]) == (14 / 56, 56, 40, ["birds"])
    assert get_rate(jobs, "finetune_encoder", alike=["tuned"]) == (60 / 240, 240, 240, ["birds"])
    assert get_rate(jobs, "prepare_encoder", alike=["clip"]) == (9, 1, 1, ["birds"])
    memory = earlier_runs.find_rate(jobs, "embed_images", dataset="birds", alike=["clip"]).memory
    assert memory == 40 * 2**20  # the job that reused all images does not count


def test_rate_of_a_search_counts_compared_pairs(jobs):
    n_pairs = 20 * 20 + 20 * 100 + 5 * 5  # of all 45 queries
    seconds, *work, _ = get_rate(jobs, "search_neighbours", alike=["clip"])
    assert [seconds, *work] == pytest.approx([5 / n_pairs, n_pairs, n_pairs])


def test_other_rates_count_the_images_of_the_dataset_per_shard(jobs):
    assert get_rate(jobs, "clean_labels") == (2.5 / 125, 125, 125, ["birds"])
    assert get_rate(jobs, "draw_thumbnails") == (4 / 125, 125, 62.5, ["birds"])


def test_rate_prefers_the_same_dataset_and_needs_the_same_network(jobs):
    assert get_rate(jobs, "embed_images", "new", ["clip"]) == (14 / 56, 56, 40, ["birds"])
    assert get_rate(jobs, "embed_images", "birds", ["vit"]) is None
    assert get_rate(jobs, "search_neighbours", "new", ["vit"])[3] == ["birds"]
    assert get_rate(jobs, "inspect_images", "birds") == (2, 4, 4, ["fish.2"])
    new_jobs = jobs.with_columns(dataset=pl.lit("new"), seconds=4.0)
    assert get_rate(pl.concat([jobs, new_jobs]), "inspect_images", "new") == (1, 4, 4, ["new"])
    assert get_rate(pl.concat([jobs, new_jobs]), "finetune_encoder", "new", ["tuned"])[3] == ["new"]


def test_rule_without_a_timed_run_has_no_rate(jobs, tmp_path):
    assert get_rate(jobs, "group_images") is None
    assert get_rate(jobs, "clean_labels", "fish") == (
        2.5 / 125,
        125,
        125,
        ["birds"],
    )  # fish has no results, so its number of images is unknown
    no_jobs = earlier_runs.read_jobs(tmp_path / "no", tmp_path / "where", protocols=PROTOCOLS)
    assert get_rate(no_jobs, "clean_labels") is None


def test_resource_usage_table_replaces_missing_benchmark_files(folder, jobs):
    table = jobs.filter(dataset="birds").select(ResourceUsage.column_names())
    tables.write(
        table.with_columns(seconds=pl.col("seconds") * 2),
        folder / "results/birds/resource_usage.parquet",
        ResourceUsage,
    )
    (folder / "logs/resource_usage/clean_labels/birds.tsv").unlink()
    later_jobs = earlier_runs.read_jobs(folder / "results", folder / "logs", protocols=PROTOCOLS)
    assert len(later_jobs) == len(jobs)
    assert get_rate(later_jobs, "clean_labels")[0] == 2 * 2.5 / 125
    assert get_rate(later_jobs, "embed_images", alike=["clip"])[0] == 14 / 56  # its files are newer


def test_network_is_read_from_the_encoder_of_an_earlier_run(tmp_path):
    path = tmp_path / "fish/clip/encoder/encoder.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"width": 512, "parameters": 7}))
    assert earlier_runs.read_network(tmp_path, ["tuned", "clip"]) == Network(512, 7)
    assert earlier_runs.read_network(tmp_path, ["other"]) == Network()
