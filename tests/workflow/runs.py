"""Running Snakemake on a copy of the project, and reading what it did or would do."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import yaml

from nearkin.driver.planned_jobs import parse_dry_run as of_dry_run
from tests.workflow.dry_runs import dry_run

ROOT = Path(__file__).parents[2]
ALONE = ["unshare", "--map-root-user", "--net"]
"""Puts a command into a network of its own, in which there is nobody."""
PARTS = ["Snakefile", "workflow", "scripts", "nearkin", "envs", "profiles", "config"]
CONFIG = "small.yaml"
MEASURED = ("resource_usage.parquet", "resource_usage.svg", "resource_usage.png", "provenance.jsonl")
"""Files with times in them, which no two runs share."""


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


def digest_project(project):
    """A digest of a project's files, and of the libraries that run it."""
    parts = [sys.version, (ROOT / "requirements.lock").read_text(), file_digests(project)]
    return sha256(repr(parts).encode()).hexdigest()


def let_jobs_fail(project: Path) -> Path:
    """Prepare a project for failing jobs: the folder to name in FAILS, see killing/sitecustomize.py."""
    shutil.copy2(ROOT / "tests/workflow/killing/sitecustomize.py", project)
    fails = project / "fails"
    fails.mkdir()
    return fails


@contextmanager
def config_of(project):
    """The config of a project's study, to be changed; it keeps its order, in which models are shown."""
    path = project / CONFIG
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    yield config
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def snakemake(project, *arguments, config=CONFIG, check=True, within=(), **environment):
    """What `snakemake --cores 2 ...` prints in `project`.

    `within` is a command that it is given to, such as ALONE; `environment` goes beside the test's own.
    """
    done = subprocess.run(
        [*within, *_command(config), *arguments],
        cwd=project,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    if check and done.returncode:
        raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{output[-6000:]}\n{logs(project)}")
    return output


def started(project, *arguments):
    """A process of `snakemake --cores 2 ...` that runs, silently, in a process group of its own."""
    command, nothing = [*_command(CONFIG), *arguments], subprocess.DEVNULL
    return subprocess.Popen(command, cwd=project, stdout=nothing, stderr=nothing, start_new_session=True)


def _command(config):
    return [sys.executable, "-m", "snakemake", *_options(config)]


def _options(config):
    return ["--configfile", config, "--cores", "2", "--nocolor"]


def contents(project):
    """The sha256 of every file in `results` but MEASURED, by its path below it."""
    digests = file_digests(Path(project, "results"))
    return {path: digest for path, digest in digests.items() if Path(path).name not in MEASURED}


def file_digests(folder):
    """The sha256 of every file of a folder, by its path below it, sorted."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in paths}


def can_be_alone():
    """Whether this system lets a command have no network."""
    if shutil.which(ALONE[0]) is None:
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


def logs(project, n=3):
    """The ends of the `n` newest logs, the newest last."""
    paths = sorted(Path(project, "logs").rglob("*.log"), key=lambda path: path.stat().st_mtime)
    return "\n".join(f"--- {path}\n{path.read_text()[-1500:]}" for path in paths[-n:])


def planned(project, *arguments, config=CONFIG):
    """The jobs that a run would do now: a set of (rule, wildcards as text)."""
    status, output = dry_run(project, [*_options(config), "--dry-run", *arguments])
    assert not status, f"snakemake --dry-run {' '.join(arguments)} failed:\n{output[-6000:]}"
    return jobs(output)


def planned_by_command(project, *arguments, config=CONFIG):
    """The same, from the command itself."""
    return jobs(snakemake(project, "--dry-run", *arguments, config=config))


def jobs(output):
    """The jobs in Snakemake's output: a set of (rule, wildcards as text), targets left out."""
    return {(job.rule, " ".join(job.wildcards.values())) for job in of_dry_run(output)}
