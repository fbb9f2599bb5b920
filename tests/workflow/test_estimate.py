"""`make estimate` on the small study, before anything of it is there."""

import subprocess
import sys

import pytest

from tests.workflow import runs

pytestmark = pytest.mark.full


def test_it_says_what_a_run_would_take_and_does_nothing(tmp_path):
    project = runs.copy_project(tmp_path / "project")
    command = [sys.executable, "-m", "nearkin.estimate", "--configfile", runs.CONFIG, "--cores", "2"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    stages = {line.split()[0] for line in done.stdout.splitlines() if line}
    assert {
        "generate_synthetic",
        "cache_pixels",
        "finetune_encoder",
        "search_neighbours",
        "together",
    } <= stages
    assert "Not estimated: list_images (1)" in done.stdout
    assert not (project / "results").exists()
