"""`make estimate` on the small study, before any results exist."""

import subprocess
import sys

import pytest

from tests.workflow import runs

pytestmark = pytest.mark.full


def test_it_estimates_the_costs_of_a_run_and_writes_nothing(tmp_path):
    project = runs.copy_project(tmp_path / "project")
    command = [sys.executable, "-m", "nearkin.estimate", "--configfile", runs.CONFIG, "--cores", "2"]
    process = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    stages = {line.split()[0] for line in process.stdout.splitlines() if line}
    assert {
        "generate_synthetic",
        "cache_pixels",
        "finetune_encoder",
        "search_neighbours",
        "together",
    } <= stages
    assert "Not estimated: list_images (1)" in process.stdout
    assert not (project / "results").exists()
