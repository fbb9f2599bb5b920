"""The time and memory of planned jobs equal the remaining work at the rate of an earlier run."""

import copy

import polars as pl
import pytest

from nearkin.driver.config import resolve_config
from nearkin.driver.planned_jobs import Job
from nearkin.estimate import __main__ as estimate
from nearkin.estimate.table import NEVER_TIMED, NO_BENCHMARK, NO_SIZE
from tests.factories.recipes import SCHEMA

MODELS = {
    "lite": {"library": "timm", "name": "x", "weights": "random", "preprocess": "small"},
    "tuned": {"finetune": {"base": "lite", "epochs": 4}},
}
STUDY = {
    "datasets": {"birds": {"source": {"layout": "table", "folder": "photos", "table": "list.csv"}}},
    "models": MODELS,
    "preprocessing": {"small": {"size": 8, "crop_pct": 1}},
    "shards": 4,
}
STUDY["datasets"]["birds"]["source"]["columns"] = {"file": "file"}
EARLIER = pl.DataFrame(
    {
        "rule": ["embed_images", "embed_images", "clean_labels"],
        "dataset": "fish",
        "model": ["lite", "lite", None],
        "seconds": [10.0, 30.0, 1.0],
        "n_units": [100.0, 100.0, 500.0],
        "peak_memory": [100.0, 50.0, 10.0],
    }
)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The config of a study with a table of 1,000 images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("file\n" + "a.jpg\n" * 1000)
    return resolve_config(copy.deepcopy(STUDY), SCHEMA)


def make_jobs(rule, n_jobs=1, **wildcards):
    """`n_jobs` jobs of a rule; several jobs are one per shard."""
    benchmark = "" if rule.startswith("plot_") else "b.tsv"
    shards = [{"shard": str(n)} for n in range(n_jobs)] if n_jobs > 1 else [{}]
    return [
        Job(rule, {"dataset": "birds"} | wildcards | shard, threads=2, benchmark=benchmark)
        for shard in shards
    ]


def estimate_jobs(config, jobs, cores=4):
    return list(estimate.estimate_dataset("birds", config, jobs, EARLIER, cores=cores))


def test_remaining_jobs_take_the_earlier_time_per_image(config):
    (line,) = estimate_jobs(config, make_jobs("embed_images", 2, model="lite"))
    assert (line.of, line.n_jobs, line.n_units) == ("birds lite", 2, 500)  # two shards of four
    assert line.seconds == 500 * 0.2 / 2  # two jobs in parallel, with two threads each on four cores
    assert estimate_jobs(config, make_jobs("embed_images", 2, model="lite"), cores=2)[0].seconds == 100
    assert line.memory == 100 * 2**20 and line.scale == 2.5
    assert line.source == "fish: 200 images, 5.0 images/s"


def test_fine_tuned_model_has_the_embedding_rate_of_its_base(config):
    embedding, training = estimate_jobs(
        config, make_jobs("embed_images", 4, model="tuned") + make_jobs("finetune_encoder", model="tuned")
    )
    assert embedding.seconds == 1000 * 0.2 / 2
    assert training.seconds is None and training.source == NEVER_TIMED
    assert training.n_units == pytest.approx(
        4 * 0.5 * 0.85 * 1000
    )  # epochs x train share x share not held out


def test_rule_without_a_benchmark_file_has_no_time(config):
    cleaning, plot = estimate_jobs(config, make_jobs("clean_labels") + make_jobs("plot_recall"))
    assert cleaning.seconds == 1000 / 500
    assert (plot.seconds, plot.source) == (None, NO_BENCHMARK)


def test_missing_images_have_no_count_and_no_time(config, tmp_path):
    (tmp_path / "list.csv").unlink()
    (line,) = estimate_jobs(config, make_jobs("embed_images", 4, model="lite"))
    assert (line.n_units, line.seconds, line.source) == (None, None, NO_SIZE)


def test_jobs_of_other_datasets_are_ignored(config):
    assert estimate_jobs(config, [Job("clean_labels", {"dataset": "fish"})]) == []
