"""Results copied into a new clone with Snakemake's metadata: no job runs, and every byte is checked."""

import shutil
import subprocess
import sys

import pytest

from tests.workflow import runs

pytestmark = pytest.mark.full

RESULTS = "results/museum"
METADATA = ".snakemake/metadata"


def run_command(project, command):
    """The exit status and the output of one of the project's commands."""
    process = subprocess.run(
        [sys.executable, "-m", f"nearkin.driver.{command}", "--configfile", runs.CONFIG],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


@pytest.fixture
def clone(finished_study, tmp_path):
    """A new clone with a copy of the results and Snakemake's metadata, including file times."""
    project = runs.copy_project(tmp_path / "a new clone")
    for part in (RESULTS, METADATA):
        shutil.copytree(finished_study / part, project / part)
    return project


def test_copied_results_are_accepted_and_nothing_runs(clone):
    status, output = run_command(clone, "verify")
    assert (status, output.splitlines()[-1]) == (0, "All are what this config and this code would make.")
    assert runs.plan_jobs(clone) == set()


def test_a_flipped_byte_is_named(clone):
    path = clone / RESULTS / "lite0/embeddings/0.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    status, output = run_command(clone, "verify")
    assert status == 1
    assert output.splitlines()[1:] == [f"{RESULTS}/lite0/embeddings/0.parquet"]
    path.unlink()
    assert run_command(clone, "verify")[0] == 1  # the next run makes the missing shard again
    jobs = runs.plan_jobs(clone, f"{RESULTS}/lite0/embeddings/0.parquet")
    assert jobs == {("embed_images", "museum lite0 0")}


def test_results_without_metadata_are_named(clone):
    shutil.rmtree(clone / METADATA)
    status, output = run_command(clone, "verify")
    assert status == 1
    assert "plot_recall" in output


def test_results_of_another_config_are_named(clone):
    with runs.edit_config(clone) as config:
        config["comparison"] = {"min_queries": 2}
    status, output = run_command(clone, "verify")
    assert status == 1
    assert "compare_models, 2 jobs (museum lite0 tuned, museum untrained lite0): its settings" in output
    assert "score_queries" not in output
    assert run_command(clone, "explain")[1] in output


def test_a_path_outside_the_results_is_refused(clone):
    path = clone / RESULTS / "provenance.jsonl"
    path.write_text(path.read_text().replace(f'"path": "{RESULTS}/', f'"path": "{RESULTS}/../../'))
    status, output = run_command(clone, "verify")
    assert status == 1
    assert "is not in results/museum/" in output
