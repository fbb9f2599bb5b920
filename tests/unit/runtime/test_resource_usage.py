"""Resource usage from benchmark files and logs, and its figure."""

import polars as pl
import pytest

from nearkin.figures import resource_usage as figure_module
from nearkin.figures import theme
from nearkin.runtime import resource_usage
from nearkin.tables.resource_usage import ResourceUsage
from scripts.collect_resource_usage import collect_resource_usage
from tests.factories.figures import scattered, texts

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
STUDY = {"names": ["lite0", "tuned", "square_224"], "n_shards": 2, "n_chunks": 1}


@pytest.fixture
def logs(tmp_path):
    """Logs and benchmark files of four jobs of one dataset, and of one of another dataset."""
    for job, seconds, memory, counts in [
        ("embed_images/museum/lite0/0", 10, "300.5", "9 rows in, 40 images embedded, 2 reused"),
        ("embed_images/museum/lite0/1", 30, "200.0", "9 rows in, 0 images embedded, 42 reused"),
        ("compare_models/museum/lite0/tuned", 2, "NA", "9 rows in, 3 rows out"),
        ("group_images/museum", 1, "50.0", "7 rows in, 7 images grouped, 7 rows out"),
        ("group_images/museum_2", 1, "50.0", "7 images grouped"),
    ]:
        benchmark, log = tmp_path / f"costs/{job}.tsv", tmp_path / f"{job}.log"
        for path in (benchmark, log):
            path.parent.mkdir(parents=True, exist_ok=True)
        benchmark.write_text(f"{HEAD}{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t50\t{2 * seconds}\n")
        log.write_text(f"... 5 images of another line\n2026 INFO nearkin.runtime.logs: done: {counts}\n")
    return tmp_path


def read_usage(logs):
    return resource_usage.read_benchmarks(logs / "costs", logs, dataset="museum")


def test_a_job_comes_from_its_path_and_its_images_from_its_log(logs):
    table = ResourceUsage.validate(read_usage(logs))
    columns = ["rule", "job", "model", "shard", "seconds", "cpu_seconds", "peak_memory", "n_images"]
    assert table.select(columns).rows() == [
        ("compare_models", "lite0/tuned", "lite0/tuned", None, 2, 4, None, None),
        ("embed_images", "lite0/0", "lite0", 0, 10, 20, 300.5, 40),
        ("embed_images", "lite0/1", "lite0", 1, 30, 60, 200, 0),
        ("group_images", "", None, None, 1, 2, 50, 7),
    ]
    assert table["images_per_second"].to_list() == [None, 4, 0, 7]


def test_a_missing_or_unfinished_log_counts_no_images(logs):
    (logs / "embed_images/museum/lite0/0.log").unlink()
    (logs / "group_images/museum.log").write_text("2026 INFO 7 images grouped\n")
    assert read_usage(logs)["n_images"].to_list() == [None, None, 0, None]


def test_rules_are_summed_and_sorted_by_time(logs):
    table = resource_usage.summarise_by_rule(read_usage(logs))
    assert table["rule"].to_list() == ["embed_images", "compare_models", "group_images"]
    embedding = table.row(0, named=True)
    assert (embedding["n_jobs"], embedding["seconds"]) == (2, 40)
    assert (embedding["least_memory"], embedding["most_memory"]) == (200, 300.5)
    assert (embedding["rate"], embedding["slowest"], embedding["fastest"]) == (4, 4, 4)
    assert table["rate"].to_list() == [4, None, 7]


def test_jobs_of_a_previous_config_are_omitted(logs):
    table = read_usage(logs)
    assert len(resource_usage.keep_current_jobs(table, **STUDY)) == 4
    assert resource_usage.keep_current_jobs(table, **STUDY | {"n_shards": 1})["job"].to_list() == [
        "lite0/tuned",
        "lite0/0",
        "",
    ]
    assert resource_usage.keep_current_jobs(table, **STUDY | {"names": ["lite0"]})["rule"].unique().len() == 2


def test_a_table_without_logs_keeps_its_rows(logs, tmp_path):
    path = tmp_path / "resource_usage.parquet"
    settings = {"logs": logs, "dataset": "museum", **STUDY}
    collect_resource_usage(path, benchmarks=logs / "costs", **settings)
    whole = pl.read_parquet(path)
    assert len(whole) == 4
    (logs / "costs/group_images/museum.tsv").write_text(f"{HEAD}9\t0:00:09\t1\t1\t1\t1\t0\t0\t50\t9\n")
    for path_to_move in (logs / "costs").glob("[ce]*"):
        path_to_move.rename(tmp_path / path_to_move.name / "away")
    collect_resource_usage(path, benchmarks=logs / "costs", **settings)
    again = pl.read_parquet(path)
    assert again.filter(rule="group_images")["seconds"].to_list() == [9]
    assert again.filter(pl.col("rule") != "group_images").equals(
        whole.filter(pl.col("rule") != "group_images")
    )


def test_the_figure_has_a_dot_per_rule_and_counts_jobs(logs):
    figure = figure_module.plot_resource_usage(read_usage(logs), dataset="museum")
    time, memory, speed = figure.axes
    assert scattered(time) == [(1, 2), (2, 1), (40, 0)]
    assert scattered(memory) == [(50, 2), (300.5, 0)]
    assert scattered(speed) == [(4, 0), (7, 2)]
    assert {"embed_images (2)", "compare_models (1)", "museum: 4 jobs measured"} <= set(texts(figure))
    first, second = (
        theme.render_svg(figure_module.plot_resource_usage(read_usage(logs), dataset="museum"))
        for _ in range(2)
    )
    assert first == second


def test_an_empty_table_has_no_figure(logs):
    with pytest.raises(ValueError, match="no costs to draw"):
        figure_module.plot_resource_usage(read_usage(logs).clear(), dataset="museum")
