"""A copy of the whole project with its own environment, in which `make` and the benchmarks run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.workflow.runs import ROOT

IGNORED_PATTERNS = (
    ".git",
    ".venv",
    ".bench",
    ".snakemake",
    "results",
    "logs",
    "data",
    "build",
    "__pycache__",
    ".*_cache",
)
PLAIN = "tests/workflow/plain.yaml"


def copy_everything(folder, bench):
    """A copy of the project; its .venv links to this environment's parts, its .bench to the folder `bench`.

    `make` treats that environment as complete and installs nothing.
    """
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*IGNORED_PATTERNS))
    (folder / "results").mkdir()
    shutil.copy2(ROOT / "results/README.md", folder / "results")
    (folder / ".bench").symlink_to(bench)
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "complete":
            (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv/complete").touch()
    return folder


def run_command(project, *command):
    """`(exit status, output)` of a command in a project, without the variables of an outer `make`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    environment |= {"PYTHONPATH": "."}
    process = subprocess.run(
        command,
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return process.returncode, process.stdout


def run_make(project, target, config):
    return run_command(project, "make", target, f"CONFIG={config}", "CORES=2", "QUICK=--quick")


def read_targets():
    """The targets of the Makefile with a recipe or a help text."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def read_phony_targets():
    """The phony targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    return set(line.split())


def list_benchmarks():
    """The names of the benchmarks that are commands."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")}
    return sorted(name for name, text in texts.items() if '__name__ == "__main__"' in text)
