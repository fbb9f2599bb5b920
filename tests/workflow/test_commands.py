"""Every Make target and every benchmark runs, on the shipped study and on one without optional parts."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.workflow import commands

pytestmark = pytest.mark.full

CONFIGS = {"shipped": "config/config.yaml", "plain": commands.PLAIN}
TARGETS_BEFORE = ["help", "explain", "status", "estimate"]
TARGETS_AFTER = [
    "study",
    "curate",
    "explain",
    "status",
    "verify",
    "estimate",
    "lint",
    "docs-tables",
    "docs-figures",
    "benchmark",
    "clean-pixels",
]
EXCLUDED_TARGETS = {"setup", "lock", "unit", "mutants", "test", "test-slow", "test-all"}
"""Targets that change the environment, need the network, or run tests."""


class FinishedProject(NamedTuple):
    """A project with a finished study: its config, and the output of targets before there were results."""

    project: Path
    config: str
    before: dict[str, tuple[int, str]]


@pytest.fixture(scope="session")
def bench(tmp_path_factory):
    """The folder of benchmarks for shared data, used by both studies; no peer is installed there."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="session", params=CONFIGS)
def finished_project(request, tmp_path_factory, bench):
    project = commands.copy_everything(tmp_path_factory.mktemp(request.param) / "project", bench)
    config = CONFIGS[request.param]
    before = {target: commands.run_make(project, target, config) for target in TARGETS_BEFORE}
    assert not (project / "results/museum").exists()
    status, output = commands.run_make(project, "study", config)
    assert status == 0, output[-6000:]
    return FinishedProject(project, config, before)


def test_every_target_is_tested_or_excluded():
    assert commands.read_targets() == {*TARGETS_BEFORE, *TARGETS_AFTER, *EXCLUDED_TARGETS}


def test_every_target_is_phony():
    assert commands.read_phony_targets() == commands.read_targets()


@pytest.mark.parametrize("name", commands.list_benchmarks())
def test_every_benchmark_has_a_quick_option(name):
    assert '"--quick"' in (commands.ROOT / f"benchmarks/{name}.py").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS_BEFORE)
def test_a_target_runs_before_the_study(finished_project, target):
    status, output = finished_project.before[target]
    assert status == 0, output[-6000:]


@pytest.mark.slow
def test_an_estimate_includes_the_expensive_stages(finished_project):
    stages = {line.split()[0] for line in finished_project.before["estimate"][1].splitlines() if line}
    training_stages = {"finetune_encoder"} if finished_project.config == CONFIGS["shipped"] else set()
    assert {
        "generate_synthetic",
        "cache_pixels",
        "embed_images",
        "search_neighbours",
        "together",
    } | training_stages <= stages


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS_AFTER)
def test_a_target_runs_after_the_study(finished_project, target):
    if target == "docs-figures" and shutil.which("dot") is None:
        pytest.skip("no graphviz here, which `make docs-figures` needs")
    status, output = commands.run_make(finished_project.project, target, finished_project.config)
    assert status == 0, output[-6000:]
    if target == "benchmark":
        assert "skipped, not installed in .bench/: faiss, " in output


def read_published_files(project):
    """The files that benchmarks write without --quick, and their bytes."""
    paths = [
        *Path(project, "benchmarks").glob("*.*"),
        project / "README.md",
        *Path(project, "docs").glob("*.md"),
    ]
    return {path: path.read_bytes() for path in paths}


def is_in_make_benchmark(name):
    """Whether `make benchmark` runs a benchmark."""
    return re.search(rf"benchmarks/{name}\.py", (commands.ROOT / "Makefile").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in commands.list_benchmarks() if not is_in_make_benchmark(name)]
)
def test_a_quick_benchmark_runs_and_writes_nothing(finished_project, name):
    results = finished_project.project / "results/museum"
    arguments = [results, "--folder", results / "delivery"] if name == "precision" else []
    files_before = read_published_files(finished_project.project)
    command = [finished_project.project / ".venv/bin/python", f"benchmarks/{name}.py", "--quick", *arguments]
    status, output = commands.run_command(finished_project.project, *command)
    assert status == 0, output[-6000:]
    assert "| --- |" in output
    assert read_published_files(finished_project.project) == files_before
