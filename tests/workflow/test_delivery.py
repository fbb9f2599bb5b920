"""The real delivery, where it lies beside the project: the study runs through and repairs what is wrong."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.workflow import runs

pytestmark = pytest.mark.full

DELIVERY = runs.ROOT.parent / "shared/data/specimens"
TRUTH = runs.ROOT.parent / "shared/data/specimens-truth.csv"


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    if not DELIVERY.is_dir():
        pytest.skip("no real delivery in ../shared/data/specimens")
    project = runs.copy_project(tmp_path_factory.mktemp("delivery") / "study")
    config = yaml.safe_load((runs.ROOT / "tests/delivery.yaml").read_text())
    config["datasets"]["specimens"]["source"]["folder"] = str(DELIVERY)
    # One of the three split seeds: the others differ in nothing but the lot.
    config["datasets"] = {"specimens": config["datasets"]["specimens"]}
    del config["models"]["histogram"]  # of other tests
    (project / runs.CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
    runs.snakemake(project)
    return project / "results/specimens"


def table(results, path):
    return pl.read_parquet(results / path)


def test_the_study_runs_through(delivered):
    assert (delivered / "checks.passed").exists()
    assert (delivered / "report.html").stat().st_size > 10_000


def test_nothing_clean_is_changed_and_nothing_broken_is_kept(delivered):
    truth = pl.read_csv(TRUTH, infer_schema=False).fill_null("")
    labels = table(delivered, "labels.parquet")
    kept = truth.join(labels, left_on="file", right_on="path", how="left").select(
        "file", "defect", "expected_outcome", "correct_species", found="species"
    )
    clean = kept.filter(defect="none")
    assert (clean["correct_species"] == clean["found"]).mean() == 1.0
    repaired = kept.filter(pl.col("expected_outcome") == "repaired")
    assert (repaired["correct_species"] == repaired["found"]).fill_null(False).mean() >= 0.98
    aside = kept.filter(pl.col("expected_outcome") == "quarantined", pl.col("file") != "")
    assert aside["found"].null_count() / len(aside) >= 0.98


def species_recall(results, model, protocol):
    found = table(results, f"{model}/metrics.parquet").filter(
        protocol=protocol,
        level="species",
        metric="recall",
        average="micro",
        query_subset="all",
        category="all",
        k=1,
    )
    return found["value"][0]


def test_a_real_encoder_has_its_recall_and_training_helps(delivered):
    base = species_recall(delivered, "lite0", "leave_one_out")
    assert 0.5 < base < 0.9
    assert species_recall(delivered, "untrained", "leave_one_out") < 0.2
    assert species_recall(delivered, "lite0_unicom", "leave_one_out") > base


def test_nothing_of_the_delivery_was_written_to():
    assert not list(Path(DELIVERY).rglob(".*part"))
