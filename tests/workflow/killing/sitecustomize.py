"""Makes jobs fail while they write. Python imports this file automatically from the module path.

Tests copy it into the root of a copy of the project, which is on the module path of all scripts. FAILS
is a folder with one file for each failure, so that every script fails FAIL_TIMES times (twice by default)
and then succeeds; FAIL_RULES lists the rules that fail, all rules if it is empty. FAIL_WITH is
`exception`, `full`, `SIGKILL` or another signal, or, for jobs of a SLURM cluster, `cancel`, `memory` or
`time`; other jobs then get SIGKILL. Before a process ends, the file that it is about to move is truncated
to half its size.
"""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FAILURE = os.environ.get("FAIL_WITH", "SIGKILL")
RULES = os.environ.get("FAIL_RULES", "").split()
TIMES = int(os.environ.get("FAIL_TIMES", "2"))


def make_failing(move):
    """A `Path.replace` or `Path.rename` that fails in the scripts of jobs."""

    def fail_or_move(self, target):
        script = Path(sys.argv[0])  # .snakemake/scripts/tmpx1y2.embed_images.py
        is_of_job = script.parent.name == "scripts" and ".part" in (self.suffix, self.parent.suffix)
        if is_of_job and not is_spared():
            if FAILURE == "exception":
                raise RuntimeError("made to fail")
            if FAILURE == "full":
                raise OSError(errno.ENOSPC, "made to fail")
            if self.is_file():
                os.truncate(self, self.stat().st_size // 2)
            end_process()
        return move(self, target)

    return fail_or_move


def end_process():
    """End this process; for failures of SLURM, make SLURM end the job."""
    job = os.environ.get("SLURM_JOB_ID")
    if FAILURE.startswith("SIG") or job is None:
        os.kill(os.getpid(), getattr(signal, FAILURE, signal.SIGKILL))
    if FAILURE == "cancel":
        subprocess.run(["scancel", job], check=True)
    if FAILURE == "time":
        subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=1"], check=True)
    blocks = []
    while True:
        if FAILURE == "memory":
            blocks.append(b"x" * 5 * 10**8)
        time.sleep(0.5)


def is_spared():
    """Whether this job must not fail or has failed often enough; otherwise records this failure."""
    rule = sys.modules["__main__"].snakemake.rule
    if RULES and rule not in RULES:
        return True
    for number in range(TIMES):
        try:
            Path(os.environ["FAILS"], f"{rule}.{number}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return False
    return True


if "FAILS" in os.environ:
    Path.replace, Path.rename = make_failing(Path.replace), make_failing(Path.rename)
