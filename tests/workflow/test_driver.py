"""The process that plans and starts jobs needs only the extra `driver`: no torch, no tables."""

import subprocess
import sys
from importlib import metadata

import pytest

from tests.factories import distributions
from tests.workflow import runs

HIDING_CODE = """
import sys


class Hide:
    def find_spec(name, path=None, target=None):
        if name in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Hide)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that can import only the packages that the driver needs."""
    hidden = set(metadata.packages_distributions()) - distributions.list_modules(
        distributions.list_required_distributions("driver")
    )
    path = tmp_path / "hiding/sitecustomize.py"
    path.parent.mkdir()
    path.write_text(HIDING_CODE.format(hidden=hidden), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(path.parent))
    return runs.copy_project(tmp_path / "study")


def test_the_libraries_of_the_jobs_are_hidden(project):
    for name in ("torch", "polars", "PIL", "scipy"):
        process = subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, text=True)
        assert f"No module named '{name}'" in process.stderr


def test_a_run_is_planned(project):
    assert ("embed_images", "museum lite0 0") in runs.plan_jobs_by_command(project)


def test_a_run_on_a_cluster_is_planned(project):
    assert ("embed_images", "museum lite0 0") in runs.plan_jobs_by_command(
        project, "--profile", "profiles/slurm"
    )


def test_the_rules_are_linted(project):
    assert "your workflow is in a good condition" in runs.run_snakemake(project, "--lint")
