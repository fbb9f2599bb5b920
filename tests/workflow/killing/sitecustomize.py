"""Makes jobs fail while they write. Python loads this file by itself where it finds it.

Tests put it into the root of a copy of the project, where all scripts look for modules. The folder that
the variable FAILS names holds one file for each failure, so that every script fails FAIL_TIMES times (twice,
if nothing is said) and is then spared; FAIL_RULES names the rules meant, all if it is empty. FAIL_WAY is
`exception`, `full`, `SIGKILL` or another signal, or, for jobs of a SLURM cluster, `cancel`, `memory` or
`time`; other jobs then get SIGKILL. Whenever a process is to end, the file that is about to take its place
is cut in half before.
"""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

WAY = os.environ.get("FAIL_WAY", "SIGKILL")
RULES = os.environ.get("FAIL_RULES", "").split()
TIMES = int(os.environ.get("FAIL_TIMES", "2"))


def failing(move):
    """`Path.replace` or `Path.rename`, for the scripts of jobs."""

    def moved(self, target):
        started = Path(sys.argv[0])  # .snakemake/scripts/tmpx1y2.embed_images.py
        is_of_job = started.parent.name == "scripts" and ".part" in (self.suffix, self.parent.suffix)
        if is_of_job and not is_spared(started):
            if WAY == "exception":
                raise RuntimeError("made to fail")
            if WAY == "full":
                raise OSError(errno.ENOSPC, "made to fail")
            if self.is_file():
                os.truncate(self, self.stat().st_size // 2)
            end()
        return move(self, target)

    return moved


def end():
    """End this process; for the ways that are SLURM's, do what makes SLURM end the job."""
    job = os.environ.get("SLURM_JOB_ID")
    if WAY.startswith("SIG") or job is None:
        os.kill(os.getpid(), getattr(signal, WAY, signal.SIGKILL))
    if WAY == "cancel":
        subprocess.run(["scancel", job], check=True)
    if WAY == "time":
        subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=1"], check=True)
    taken = []
    while True:
        if WAY == "memory":
            taken.append(b"x" * 5 * 10**8)
        time.sleep(0.5)


def is_spared(started):
    """Whether a script is not meant or failed often enough; if neither, this failure is noted."""
    rule = started.suffixes[-2][1:]
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
    Path.replace, Path.rename = failing(Path.replace), failing(Path.rename)
