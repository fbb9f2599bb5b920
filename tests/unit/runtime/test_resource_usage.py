"""Costs from benchmark files and logs, and their figure."""

import polars as pl
import pytest

from nearkin.figures import resource_usage as drawn
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
    for job, seconds, memory, done in [
        ("embed_images/museum/lite0/0", 10, "300.5", "9 rows in, 40 images embedded, 2 reused"),
        ("embed_images/museum/lite0/1", 30, "200.0", "9 rows in, 0 images embedded, 42 reused"),
        ("compare_models/museum/lite0/tuned", 2, "NA", "9 rows in, 3 rows out"),
        ("group_images/museum", 1, "50.0", "7 rows in, 7 images grouped, 7 rows out"),
        ("group_images/museum_2", 1, "50.0", "7 images grouped"),
    ]:
        measured, log = tmp_path / f"costs/{job}.tsv", tmp_path / f"{job}.log"
        for path in (measured, log):
            path.parent.mkdir(parents=True, exist_ok=True)
        measured.write_text(f"{HEAD}{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t50\t{2 * seconds}\n")
        log.write_text(f"... 5 images of another line\n2026 INFO nearkin.runtime.logs: done: {done}\n")
    return tmp_path


def gathered(logs):
    return resource_usage.read_benchmarks(logs / "costs", logs, dataset="museum")


def test_a_job_is_told_by_its_place_and_its_images_by_its_log(logs):
    table = ResourceUsage.validate(gathered(logs))
    columns = ["rule", "job", "model", "shard", "seconds", "cpu_seconds", "peak_memory", "n_images"]
    assert table.select(columns).rows() == [
        ("compare_models", "lite0/tuned", "lite0/tuned", None, 2, 4, None, None),
        ("embed_images", "lite0/0", "lite0", 0, 10, 20, 300.5, 40),
        ("embed_images", "lite0/1", "lite0", 1, 30, 60, 200, 0),
        ("group_images", "", None, None, 1, 2, 50, 7),
    ]
    assert table["images_per_second"].to_list() == [None, 4, 0, 7]


def test_a_log_that_is_gone_or_is_not_done_counts_nothing(logs):
    (logs / "embed_images/museum/lite0/0.log").unlink()
    (logs / "group_images/museum.log").write_text("2026 INFO 7 images grouped\n")
    assert gathered(logs)["n_images"].to_list() == [None, None, 0, None]


def test_rules_are_summed_the_longest_first_and_reuse_makes_no_rate(logs):
    table = resource_usage.summarise_by_rule(gathered(logs))
    assert table["rule"].to_list() == ["embed_images", "compare_models", "group_images"]
    embedding = table.row(0, named=True)
    assert (embedding["n_jobs"], embedding["seconds"]) == (2, 40)
    assert (embedding["least_memory"], embedding["most_memory"]) == (200, 300.5)
    assert (embedding["rate"], embedding["slowest"], embedding["fastest"]) == (4, 4, 4)
    assert table["rate"].to_list() == [4, None, 7]


def test_jobs_of_an_earlier_config_are_left_out(logs):
    table = gathered(logs)
    assert len(resource_usage.keep_current_jobs(table, **STUDY)) == 4
    assert resource_usage.keep_current_jobs(table, **STUDY | {"n_shards": 1})["job"].to_list() == [
        "lite0/tuned",
        "lite0/0",
        "",
    ]
    assert resource_usage.keep_current_jobs(table, **STUDY | {"names": ["lite0"]})["rule"].unique().len() == 2


def test_a_table_that_was_copied_without_logs_keeps_its_rows(logs, tmp_path):
    path = tmp_path / "resource_usage.parquet"
    told = {"logs": logs, "dataset": "museum", **STUDY}
    collect_resource_usage(path, benchmarks=logs / "costs", **told)
    whole = pl.read_parquet(path)
    assert len(whole) == 4
    (logs / "costs/group_images/museum.tsv").write_text(f"{HEAD}9\t0:00:09\t1\t1\t1\t1\t0\t0\t50\t9\n")
    for left in (logs / "costs").glob("[ce]*"):
        left.rename(tmp_path / left.name / "away")
    collect_resource_usage(path, benchmarks=logs / "costs", **told)
    again = pl.read_parquet(path)
    assert again.filter(rule="group_images")["seconds"].to_list() == [9]
    assert again.filter(pl.col("rule") != "group_images").equals(
        whole.filter(pl.col("rule") != "group_images")
    )


def test_the_figure_has_a_dot_for_each_rule_and_says_its_jobs(logs):
    figure = drawn.plot_resource_usage(gathered(logs), dataset="museum")
    time, memory, rate = figure.axes
    assert scattered(time) == [(1, 2), (2, 1), (40, 0)]
    assert scattered(memory) == [(50, 2), (300.5, 0)]
    assert scattered(rate) == [(4, 0), (7, 2)]
    assert {"embed_images (2)", "compare_models (1)", "museum: 4 jobs measured"} <= set(texts(figure))
    first, second = (
        theme.render_svg(drawn.plot_resource_usage(gathered(logs), dataset="museum")) for _ in range(2)
    )
    assert first == second


def test_a_figure_of_nothing_is_refused(logs):
    with pytest.raises(ValueError, match="no costs to draw"):
        drawn.plot_resource_usage(gathered(logs).clear(), dataset="museum")
