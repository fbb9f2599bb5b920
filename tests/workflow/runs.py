"""Running Snakemake on a copy of the project, and reading what it did or would do."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import yaml

from nearkin.driver.planned_jobs import parse_dry_run
from tests.workflow.dry_runs import dry_run

ROOT = Path(__file__).parents[2]
NO_NETWORK = ["unshare", "--map-root-user", "--net"]
"""Prefix that runs a command in an empty network namespace."""
PARTS = ["Snakefile", "workflow", "scripts", "nearkin", "envs", "profiles", "config"]
CONFIG = "small.yaml"
TIMED_FILES = ("resource_usage.parquet", "resource_usage.svg", "resource_usage.png", "provenance.jsonl")
"""Files that contain times and therefore differ between runs."""


def copy_project(folder):
    """A copy of the files that a run needs, with the small study as `small.yaml`."""
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


def digest_project(project):
    """A digest of a project's files and of the library versions."""
    parts = [sys.version, (ROOT / "requirements.lock").read_text(), digest_files(project)]
    return sha256(repr(parts).encode()).hexdigest()


def let_jobs_fail(project: Path) -> Path:
    """Prepare a project for failing jobs; returns the folder for FAILS, see killing/sitecustomize.py."""
    shutil.copy2(ROOT / "tests/workflow/killing/sitecustomize.py", project)
    fails = project / "fails"
    fails.mkdir()
    return fails


@contextmanager
def edit_config(project):
    """The config of a project's study, to change in place; the order of keys, and so of models, is kept."""
    path = project / CONFIG
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    yield config
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def run_snakemake(project, *arguments, config=CONFIG, check=True, within=(), **environment):
    """The output of `snakemake --cores 2 ...` in `project`.

    `within` is a command prefix, such as NO_NETWORK; `environment` adds variables to the test's own.
    """
    process = subprocess.run(
        [*within, *_make_command(config), *arguments],
        cwd=project,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    output = process.stdout + process.stderr
    if check and process.returncode:
        raise AssertionError(
            f"snakemake {' '.join(arguments)} failed:\n{output[-6000:]}\n{read_logs(project)}"
        )
    return output


def start_snakemake(project, *arguments):
    """Start `snakemake --cores 2 ...` in a new process group, without output; returns the process."""
    command, null = [*_make_command(CONFIG), *arguments], subprocess.DEVNULL
    return subprocess.Popen(command, cwd=project, stdout=null, stderr=null, start_new_session=True)


def _make_command(config):
    return [sys.executable, "-m", "snakemake", *_make_options(config)]


def _make_options(config):
    return ["--configfile", config, "--cores", "2", "--nocolor"]


def digest_results(project):
    """The sha256 of every file in `results` except TIMED_FILES, by relative path."""
    digests = digest_files(Path(project, "results"))
    return {path: digest for path, digest in digests.items() if Path(path).name not in TIMED_FILES}


def digest_files(folder):
    """The sha256 of every file in a folder, by relative path, sorted."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in paths}


def can_isolate_network():
    """Whether this system can run a command without a network."""
    if shutil.which(NO_NETWORK[0]) is None:
        return False
    return subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode == 0


def read_logs(project, n=3):
    """The last lines of the `n` newest logs, newest last."""
    paths = sorted(Path(project, "logs").rglob("*.log"), key=lambda path: path.stat().st_mtime)
    return "\n".join(f"--- {path}\n{path.read_text()[-1500:]}" for path in paths[-n:])


def plan_jobs(project, *arguments, config=CONFIG):
    """The jobs that a run would execute now: a set of (rule, wildcards as text)."""
    status, output = dry_run(project, [*_make_options(config), "--dry-run", *arguments])
    assert not status, f"snakemake --dry-run {' '.join(arguments)} failed:\n{output[-6000:]}"
    return parse_jobs(output)


def plan_jobs_by_command(project, *arguments, config=CONFIG):
    """The same from a separate `snakemake` process."""
    return parse_jobs(run_snakemake(project, "--dry-run", *arguments, config=config))


def parse_jobs(output):
    """The jobs in Snakemake's output: a set of (rule, wildcards as text), without target rules."""
    return {(job.rule, " ".join(job.wildcards.values())) for job in parse_dry_run(output)}
