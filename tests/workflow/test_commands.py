"""Every Make target and every benchmark runs, on the shipped study and on one without any optional part."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.workflow import commands

pytestmark = pytest.mark.full

CONFIGS = {"shipped": "config/config.yaml", "plain": commands.PLAIN}
BEFORE = ["help", "explain", "status", "estimate"]
AFTER = [
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
NEVER = {"setup", "lock", "unit", "mutants", "test", "test-slow", "test-all"}
"""What changes the environment, wants the network, or runs tests."""


class Studied(NamedTuple):
    """A project with a finished study: its config, and what targets said before anything was there."""

    project: Path
    config: str
    before: dict[str, tuple[int, str]]


@pytest.fixture(scope="session")
def bench(tmp_path_factory):
    """What benchmarks keep for the next one, shared by both studies; no peer is installed there."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="session", params=CONFIGS)
def studied(request, tmp_path_factory, bench):
    project = commands.copy_everything(tmp_path_factory.mktemp(request.param) / "project", bench)
    config = CONFIGS[request.param]
    before = {target: commands.make(project, target, config) for target in BEFORE}
    assert not (project / "results/museum").exists()
    status, output = commands.make(project, "study", config)
    assert status == 0, output[-6000:]
    return Studied(project, config, before)


def test_every_target_is_run_here_or_named():
    assert commands.targets() == {*BEFORE, *AFTER, *NEVER}


def test_every_target_is_known_to_be_no_file():
    assert commands.phony() == commands.targets()


@pytest.mark.parametrize("name", commands.benchmarks())
def test_every_benchmark_can_be_quick(name):
    assert '"--quick"' in (commands.ROOT / f"benchmarks/{name}.py").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("target", BEFORE)
def test_a_target_runs_before_the_study(studied, target):
    status, output = studied.before[target]
    assert status == 0, output[-6000:]


@pytest.mark.slow
def test_an_estimate_knows_the_dear_stages(studied):
    stages = {line.split()[0] for line in studied.before["estimate"][1].splitlines() if line}
    trained = {"finetune_encoder"} if studied.config == CONFIGS["shipped"] else set()
    assert {
        "generate_synthetic",
        "cache_pixels",
        "embed_images",
        "search_neighbours",
        "together",
    } | trained <= stages


@pytest.mark.slow
@pytest.mark.parametrize("target", AFTER)
def test_a_target_runs_after_the_study(studied, target):
    if target == "docs-figures" and shutil.which("dot") is None:
        pytest.skip("no graphviz here, which `make docs-figures` needs")
    status, output = commands.make(studied.project, target, studied.config)
    assert status == 0, output[-6000:]
    if target == "benchmark":
        assert "left out, for they are not installed in .bench/: faiss, " in output


def told(project):
    """What benchmarks write when they are not quick."""
    paths = [
        *Path(project, "benchmarks").glob("*.*"),
        project / "README.md",
        *Path(project, "docs").glob("*.md"),
    ]
    return {path: path.read_bytes() for path in paths}


def made(name):
    """Whether `make benchmark` runs a benchmark."""
    return re.search(rf"benchmarks/{name}\.py", (commands.ROOT / "Makefile").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in commands.benchmarks() if not made(name)])
def test_a_quick_benchmark_runs_and_writes_nothing(studied, name):
    results = studied.project / "results/museum"
    arguments = [results, "--folder", results / "delivery"] if name == "precision" else []
    before = told(studied.project)
    command = [studied.project / ".venv/bin/python", f"benchmarks/{name}.py", "--quick", *arguments]
    status, output = commands.run(studied.project, *command)
    assert status == 0, output[-6000:]
    assert "| --- |" in output
    assert told(studied.project) == before
