"""The output of a dry run of Snakemake, for the commands that explain it."""

import subprocess
import sys


def run_dry(config_path: str, *arguments: str) -> str:
    """The output of a dry run. Exits with Snakemake's message if the dry run fails."""
    command = [sys.executable, "-m", "snakemake", "--configfile", config_path, "--cores", "1", "--dry-run"]
    done = subprocess.run([*command, "--nocolor", *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout + done.stderr
