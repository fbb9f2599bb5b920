"""Running Snakemake on a copy of the project, and reading what it did or would do."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ["Snakefile", "workflow", "scripts", "nearkin", "envs", "profiles", "config"]
CONFIG = "small.yaml"


def copy_project(folder):
    """A copy of what a run needs, with the small study as `small.yaml`."""
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy2(source, folder)
    shutil.copy2(ROOT / "tests/workflow/small.yaml", folder / CONFIG)
    return folder


def snakemake(project, *arguments, config=CONFIG, check=True):
    """The finished process of `snakemake --cores 2 ...` in `project`."""
    command = [sys.executable, "-m", "snakemake", "--configfile", config, "--cores", "2", "--nocolor"]
    done = subprocess.run([*command, *arguments], cwd=project, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    if check and done.returncode:
        raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{output[-6000:]}\n{logs(project)}")
    return output


def logs(project):
    """The end of every log, the newest last."""
    paths = sorted(Path(project, "logs").rglob("*.log"), key=lambda path: path.stat().st_mtime)
    return "\n".join(f"--- {path}\n{path.read_text()[-1500:]}" for path in paths[-3:])


def planned(project, *arguments, config=CONFIG):
    """The jobs that a run would do now: a set of (rule, wildcards as text)."""
    return jobs(snakemake(project, "--dry-run", *arguments, config=config))


def jobs(output):
    """The jobs in Snakemake's output: a set of (rule, wildcards as text), targets left out."""
    found = set()
    for block in re.split(r"^(?=(?:local)?rule \w+:$)", output, flags=re.MULTILINE)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)[1]
        wildcards = re.search(r"^ +wildcards: (.*)$", block, re.MULTILINE)
        values = [pair.split("=", 1)[1] for pair in wildcards[1].split(", ")] if wildcards else []
        if rule not in ("all", "curate", "figures"):
            found.add((rule, " ".join(values)))
    return found
