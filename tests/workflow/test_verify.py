"""Results copied into a new clone with Snakemake's records: no job runs, and every byte is checked."""

import shutil
import subprocess
import sys

import pytest

from tests.workflow import runs

pytestmark = pytest.mark.full

RESULTS = "results/museum"
RECORDS = ".snakemake/metadata"


def run_command(project, command):
    """The exit status of one of the project's commands, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", f"nearkin.driver.{command}", "--configfile", runs.CONFIG],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def clone(finished, tmp_path):
    """A new clone into which results and records were copied with their dates."""
    project = runs.copy_project(tmp_path / "a new clone")
    for part in (RESULTS, RECORDS):
        shutil.copytree(finished / part, project / part)
    return project


def test_copied_results_are_known_and_nothing_runs(clone):
    status, text = run_command(clone, "verify")
    assert (status, text.splitlines()[-1]) == (0, "All are what this config and this code would make.")
    assert runs.planned(clone) == set()


def test_a_flipped_byte_is_named(clone):
    path = clone / RESULTS / "lite0/embeddings/0.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    status, text = run_command(clone, "verify")
    assert status == 1
    assert text.splitlines()[1:] == [f"{RESULTS}/lite0/embeddings/0.parquet"]
    path.unlink()
    assert run_command(clone, "verify")[0] == 1  # the shard is lost, and made again by the next run
    wanted = runs.planned(clone, f"{RESULTS}/lite0/embeddings/0.parquet")
    assert wanted == {("embed_images", "museum lite0 0")}


def test_results_without_records_are_named(clone):
    shutil.rmtree(clone / RECORDS)
    status, text = run_command(clone, "verify")
    assert status == 1
    assert "plot_recall" in text


def test_results_of_another_config_are_named(clone):
    with runs.config_of(clone) as config:
        config["comparison"] = {"min_queries": 2}
    status, text = run_command(clone, "verify")
    assert status == 1
    assert "compare_models, 2 jobs (museum lite0 tuned, museum untrained lite0): its settings" in text
    assert "score_queries" not in text
    assert run_command(clone, "explain")[1] in text


def test_a_record_that_points_elsewhere_is_refused(clone):
    path = clone / RESULTS / "provenance.jsonl"
    path.write_text(path.read_text().replace(f'"path": "{RESULTS}/', f'"path": "{RESULTS}/../../'))
    status, text = run_command(clone, "verify")
    assert status == 1
    assert "is not in results/museum/" in text
