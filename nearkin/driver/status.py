"""What of a study is done, at work, failed and left: `make status CONFIG=config/config.yaml`.

Nothing is run. Two dry runs say which jobs there are and which are left; the last lines of their
logs say how they went.
"""

import argparse
import os
from collections import Counter
from pathlib import Path
from textwrap import fill

from nearkin.driver.dry_run import run_dry
from nearkin.driver.planned_jobs import parse_dry_run

TAIL_BYTES = 2**16
"""Bytes of a log in which its end is found."""
FAILURE_MARK = " CRITICAL nearkin.runtime.logs: "


def read_ending(log):
    """How the job of a log ended, and why: `failed`, `open` (it is yet at work, or was killed) or `left`."""
    if not os.path.exists(log):
        return "left", ""
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - TAIL_BYTES))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    failed = [line.split(FAILURE_MARK, 1)[1] for line in lines if FAILURE_MARK in line]
    if failed:
        return "failed", failed[-1]
    return ("left", "") if lines and " done: " in lines[-1] else ("open", "")


def describe_status(everything, left, *, locked):
    """Lines about one dataset: its stages that are begun and not done, the others, and the last failure."""
    total, undone = (Counter(job.rule for job in jobs) for jobs in (everything, left))
    ends = [(job, *read_ending(job.log)) for job in left]
    hows = Counter((job.rule, how) for job, how, _ in ends)
    words = {"open": "at work" if locked else "stopped midway", "failed": "failed"}
    lines, whole, waiting = [f"{len(everything) - len(left):,} of {len(everything):,} jobs done"], [], []
    for rule, n in total.items():
        notes = [f"{hows[rule, how]} {word}" for how, word in words.items() if hows[rule, how]]
        if not undone[rule]:
            whole.append(rule)
        elif undone[rule] == n and not notes:
            waiting.append(rule)
        else:
            far = f"{n - undone[rule]:,} of {n:,}"
            lines.append(f"  {rule:36}" + ": ".join([far, ", ".join(notes)] if notes else [far]))
    for word, rules in (("whole", whole), ("not begun", waiting)):
        if rules and left:
            lines.append(
                fill(f"{word}: {', '.join(rules)}", 100, initial_indent="  ", subsequent_indent="    ")
            )
    failures = [(os.path.getmtime(job.log), job.log, why) for job, how, why in ends if how == "failed"]
    if failures:
        _, log, why = max(failures)
        lines.append(f"  last failure: {why}\n    see {log}")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--configfile", required=True)
    config_path = parser.parse_args().configfile
    everything, left = parse_dry_run(run_dry(config_path, "--forceall")), parse_dry_run(run_dry(config_path))
    locked = any(Path(".snakemake/locks").glob("*.lock"))
    if locked:
        print("A run is at work here, or was killed: if none is, snakemake --unlock")
    for dataset in dict.fromkeys(job.wildcards["dataset"] for job in everything):
        of_it = [[job for job in jobs if job.wildcards["dataset"] == dataset] for jobs in (everything, left)]
        print(f"{dataset}: " + "\n".join(describe_status(*of_it, locked=locked)))


if __name__ == "__main__":
    main()
