"""The real delivery, if it is in ../shared: the study completes and repairs the faults."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.workflow import runs

pytestmark = pytest.mark.full

DELIVERY = runs.ROOT.parent / "shared/data/specimens"
TRUTH = runs.ROOT.parent / "shared/data/specimens-truth.csv"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    if not DELIVERY.is_dir():
        pytest.skip("no real delivery in ../shared/data/specimens")
    project = runs.copy_project(tmp_path_factory.mktemp("delivery") / "study")
    config = yaml.safe_load((runs.ROOT / "tests/delivery.yaml").read_text())
    config["datasets"]["specimens"]["source"]["folder"] = str(DELIVERY)
    # One of the three split seeds; the others differ only in the seed.
    config["datasets"] = {"specimens": config["datasets"]["specimens"]}
    del config["models"]["histogram"]  # used by other tests
    (project / runs.CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
    runs.run_snakemake(project)
    return project / "results/specimens"


def read_table(results, path):
    return pl.read_parquet(results / path)


def test_the_study_completes(results):
    assert (results / "checks.passed").exists()
    assert (results / "report.html").stat().st_size > 10_000


def test_clean_rows_are_unchanged_and_faulty_rows_are_not_kept(results):
    truth = pl.read_csv(TRUTH, infer_schema=False).fill_null("")
    labels = read_table(results, "labels.parquet")
    kept = truth.join(labels, left_on="file", right_on="path", how="left").select(
        "file", "defect", "expected_outcome", "correct_species", kept_species="species"
    )
    clean = kept.filter(defect="none")
    assert (clean["correct_species"] == clean["kept_species"]).mean() == 1.0
    repaired = kept.filter(pl.col("expected_outcome") == "repaired")
    assert (repaired["correct_species"] == repaired["kept_species"]).fill_null(False).mean() >= 0.98
    quarantined = kept.filter(pl.col("expected_outcome") == "quarantined", pl.col("file") != "")
    assert quarantined["kept_species"].null_count() / len(quarantined) >= 0.98


def read_species_recall(results, model, protocol):
    metrics = read_table(results, f"{model}/metrics.parquet").filter(
        protocol=protocol,
        level="species",
        metric="recall",
        average="micro",
        query_subset="all",
        category="all",
        k=1,
    )
    return metrics["value"][0]


def test_a_real_encoder_has_good_recall_and_training_improves_it(results):
    base = read_species_recall(results, "lite0", "leave_one_out")
    assert 0.5 < base < 0.9
    assert read_species_recall(results, "untrained", "leave_one_out") < 0.2
    assert read_species_recall(results, "lite0_unicom", "leave_one_out") > base


def test_the_study_writes_nothing_into_the_delivery():
    assert not list(Path(DELIVERY).rglob(".*part"))
