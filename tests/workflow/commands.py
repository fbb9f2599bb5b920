"""A copy of the whole project with an environment of its own, in which `make` and the benchmarks run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.workflow.runs import ROOT

NOT_COPIED = (
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
    """A copy of the project whose .venv has this environment's parts, and whose .bench is the folder `bench`.

    `make` takes that environment for complete, so that it installs nothing.
    """
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    (folder / "results").mkdir()
    shutil.copy2(ROOT / "results/README.md", folder / "results")
    (folder / ".bench").symlink_to(bench)
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "complete":
            (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv/complete").touch()
    return folder


def run(project, *command):
    """`(exit status, what was printed)` of a command in a project, as if no other `make` had started it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    environment |= {"PYTHONPATH": "."}
    done = subprocess.run(
        command,
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def make(project, target, config):
    return run(project, "make", target, f"CONFIG={config}", "CORES=2", "QUICK=--quick")


def targets():
    """The targets of the Makefile that have a recipe or a help text."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def phony():
    """The targets that the Makefile says are no files."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    return set(line.split())


def benchmarks():
    """The names of the benchmarks that are commands."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")}
    return sorted(name for name, text in texts.items() if '__name__ == "__main__"' in text)
