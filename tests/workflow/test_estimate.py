"""`make estimate` on the small study, before it has run and after."""

import subprocess
import sys

import pytest

from tests.workflow import runs

pytestmark = pytest.mark.full


def run_estimate(project):
    """What the estimate prints, and its rows by stage and dataset and model, without the spaces between."""
    command = [sys.executable, "-m", "nearkin.estimate", "--configfile", runs.CONFIG, "--cores", "2"]
    process = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout, [" ".join(line.split()) for line in process.stdout.splitlines()]


def test_before_a_run_it_counts_the_work_and_knows_no_time(tmp_path):
    project = runs.copy_project(tmp_path / "project")
    output, rows = run_estimate(project)
    for start in (
        "generate_synthetic museum 1 75 images ?",
        "finetune_encoder museum tuned 1 60 images x epochs ?",
    ):
        assert any(row.startswith(start) for row in rows), output
    (together,) = [row for row in rows if row.startswith("together")]
    n_jobs = together.split()[1]
    assert together.split()[2] == "?" and together.endswith(f"without the time of {n_jobs} jobs")
    assert "No earlier run has timed generate_synthetic (1)," in output
    assert not (project / "results").exists()


def test_after_a_run_another_dataset_takes_its_rates(project):
    with runs.edit_config(project) as config:
        config["datasets"] = {"birds": config["datasets"]["museum"]}
    output, rows = run_estimate(project)
    for stage in ("generate_synthetic birds", "embed_images birds tuned", "finetune_encoder birds tuned"):
        (row,) = [row for row in rows if row.startswith(f"{stage} ")]
        assert " ? " not in row and " museum: " in row, output
    assert "No earlier run has timed" not in output
    assert not (project / "results/birds").exists()
