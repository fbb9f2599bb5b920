"""Faster `snakemake --dry-run`: runs in forks of one process that has imported Snakemake."""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", "pytest"])


def dry_run(project: Path, arguments: list[str]) -> tuple[int, str]:
    """The exit status and the output of `snakemake *arguments` in the folder `project`."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as output:
        process = FORKS.Process(target=_run_snakemake, args=(str(project), arguments, output.name))
        process.start()
        process.join()
        return process.exitcode or 0, output.read()


def _run_snakemake(project: str, arguments: list[str], output: str) -> None:
    from snakemake.cli import main  # imported before the fork

    os.chdir(project)
    file = os.open(output, os.O_WRONLY)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parents[2]]
    main(arguments)
