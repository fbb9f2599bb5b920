"""What Snakemake says it would do, for the commands that put it into plain words."""

import subprocess
import sys


def run_dry(config_path, *arguments):
    """The output of a dry run. Exits with Snakemake's complaint if there can be none."""
    command = [sys.executable, "-m", "snakemake", "--configfile", config_path, "--cores", "1", "--dry-run"]
    done = subprocess.run([*command, "--nocolor", *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout + done.stderr
