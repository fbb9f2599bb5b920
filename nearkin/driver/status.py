"""What of a study is done, running, failed and left: `make status CONFIG=config/config.yaml`.

Nothing is run. Two dry runs list all jobs and those that are left; the last lines of their
logs say how they ended.
"""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from nearkin.driver.dry_run import run_dry
from nearkin.driver.planned_jobs import Job, parse_dry_run

TAIL_BYTES = 2**16
"""Bytes at the end of a log in which its last lines are found."""
FAILURE_MARK = " CRITICAL nearkin.runtime.logs: "


def read_ending(log: str | Path) -> tuple[str, str]:
    """How the job of a log ended, and why: `failed`, `open` (still running, or killed) or `left`."""
    if not os.path.exists(log):
        return "left", ""
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - TAIL_BYTES))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    failed = [line.split(FAILURE_MARK, 1)[1] for line in lines if FAILURE_MARK in line]
    if failed:
        return "failed", failed[-1]
    return ("left", "") if lines and " done: " in lines[-1] else ("open", "")


def describe_status(everything: Sequence[Job], left: Sequence[Job], *, locked: bool) -> list[str]:
    """Lines about one dataset: its stages that are started and not done, the others, and the last failure."""
    total, undone = (Counter(job.rule for job in jobs) for jobs in (everything, left))
    endings = [(job, *read_ending(job.log)) for job in left]
    n_endings = Counter((job.rule, ending) for job, ending, _ in endings)
    words = {"open": "running" if locked else "stopped midway", "failed": "failed"}
    lines = [f"{len(everything) - len(left):,} of {len(everything):,} jobs done"]
    complete, waiting = [], []
    for rule, n in total.items():
        notes = [
            f"{n_endings[rule, ending]} {word}" for ending, word in words.items() if n_endings[rule, ending]
        ]
        if not undone[rule]:
            complete.append(rule)
        elif undone[rule] == n and not notes:
            waiting.append(rule)
        else:
            done = f"{n - undone[rule]:,} of {n:,}"
            lines.append(f"  {rule:36}" + ": ".join([done, ", ".join(notes)] if notes else [done]))
    for word, rules in (("complete", complete), ("not started", waiting)):
        if rules and left:
            lines.append(
                fill(f"{word}: {', '.join(rules)}", 100, initial_indent="  ", subsequent_indent="    ")
            )
    failures = [
        (os.path.getmtime(job.log), job.log, reason) for job, ending, reason in endings if ending == "failed"
    ]
    if failures:
        _, log, reason = max(failures)
        lines.append(f"  last failure: {reason}\n    see {log}")
    return lines


def main() -> None:
    """Print the status of each dataset of a config."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--configfile", required=True)
    config_path = parser.parse_args().configfile
    everything, left = parse_dry_run(run_dry(config_path, "--forceall")), parse_dry_run(run_dry(config_path))
    locked = any(Path(".snakemake/locks").glob("*.lock"))
    if locked:
        print("A run is active here, or was killed: if none is, snakemake --unlock")
    for dataset in dict.fromkeys(job.wildcards["dataset"] for job in everything):
        its_jobs, its_left = (
            [job for job in jobs if job.wildcards["dataset"] == dataset] for jobs in (everything, left)
        )
        print(f"{dataset}: " + "\n".join(describe_status(its_jobs, its_left, locked=locked)))


if __name__ == "__main__":
    main()
