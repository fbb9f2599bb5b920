"""What a run would do, and why, in plain words: `make explain CONFIG=config/config.yaml`.

`make explain LAST=1` says what the last run did, from its log. Nothing is run. Jobs that run only
since others do before them are counted, not explained.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import shorten

from nearkin.driver import planned_jobs
from nearkin.driver.dry_run import run_dry
from nearkin.driver.planned_jobs import Job

LOGS = ".snakemake/log"
FOLLOWS = "Input files updated by another job"
UNKNOWN = re.compile(r"^Rules with missing metadata: (.*)$", re.MULTILINE)
WORDS = {
    "Missing output files": "its results are not there",
    "Incomplete output files": "it was stopped before its end",
    "Updated input files": "what it takes has changed",
    "Set of input files has changed since last execution": "it takes other files than before",
    "Code has changed since last execution": "its code has changed",
    "Params have changed since last execution": "its settings have changed",
    "Software environment definition has changed since last execution": "its environment has changed",
    "Forced execution": "it is forced",
}
Causes = list[list[str]]
"""Why Snakemake runs a job: for each cause its kind and, where there is more, the details."""
CODE = re.compile(r"^Params have changed .* before: '[0-9a-f]{64}' now: '[0-9a-f]{64}' *$")
"""The digest of a script's code is its only parameter that is 64 hexadecimal digits alone."""
MAX_NAMED = 3
"""How many files or settings of a cause are named."""


def explain_jobs(jobs: Iterable[Job]) -> list[str]:
    """Sentences: which jobs would run and why, by rule; those with a cause of their own first."""
    roots: dict[tuple[str, ...], list[tuple[Job, Causes]]] = {}
    following: Counter[str] = Counter()
    for job in sorted(jobs, key=lambda job: (job.rule, sorted(job.wildcards.items()))):
        own = [part for part in job.reason.split("; ") if not part.startswith(FOLLOWS)]
        own = [CODE.sub("Code has changed since last execution", part) for part in own]
        if own:
            causes = [part.split(": ", 1) for part in own]
            roots.setdefault((job.rule, *(kind for kind, *_ in causes)), []).append((job, causes))
        else:
            following[job.rule] += 1
    lines = [_explain_rule(rule, same_kinds) for (rule, *_), same_kinds in roots.items()]
    if following:
        counts = ", ".join(f"{rule} {n}" for rule, n in following.items())
        verb = "follows" if following.total() == 1 else "follow"
        lines.append(f"{_count_jobs(following.total())} that {verb} from these: {counts}")
    return lines


def _explain_rule(rule: str, jobs: Sequence[tuple[Job, Causes]]) -> str:
    """One rule whose jobs have the same kinds of causes, with the details of all jobs."""
    subjects = dict.fromkeys(_format_subject(job) for job, _ in jobs)
    sentences = []
    for kind, *_ in jobs[0][1]:
        details = dict.fromkeys(
            detail
            for _, causes in jobs
            for other_kind, *rest in causes
            if other_kind == kind
            for detail in _split_details(rest)
        )
        sentences.append(WORDS.get(kind, kind) + (f": {_list_some(details)}" if details else ""))
    return f"{rule}, {_count_jobs(len(jobs))} ({_list_some(subjects)}): {'; '.join(sentences)}"


def _split_details(rest: Sequence[str]) -> list[str]:
    """The details that Snakemake gives of a cause: files, or settings before and now."""
    if not rest:
        return []
    settings = re.search(r"before: (.*) now: (.*)$", rest[0].strip())
    if not settings:
        return rest[0].split(", ")
    values = zip(("before", "now"), settings.groups(), strict=True)
    return [
        f"{when} {shorten(value, 100)}" for when, value in values if value not in ("", "<nothing exclusive>")
    ]


def _format_subject(job: Job) -> str:
    """What a job is about; shards and chunks count together."""
    return " ".join(value for key, value in job.wildcards.items() if key not in ("shard", "chunk"))


def _list_some(names: Iterable[str]) -> str:
    names = list(names)
    rest = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + rest


def _count_jobs(n: int) -> str:
    return f"{n:,} job" if n == 1 else f"{n:,} jobs"


def explain_run(output: str, verb: str = "would run") -> str:
    """The output of a dry run, or the log of a run, in plain words."""
    jobs = planned_jobs.parse_dry_run(output)
    lines = [f"{_count_jobs(len(jobs))} {verb}.", *explain_jobs(jobs)] if jobs else [f"Nothing {verb}."]
    unknown = UNKNOWN.search(output)
    if unknown:
        names = ", ".join(unknown[1].split())
        lines.append(f"Taken as they are, because nothing says how they were made: results of {names}.")
    return "\n".join(lines)


def find_last_log(folder: str | Path = LOGS) -> Path:
    """The log of the last run. Raises FileNotFoundError, naming the folder, if there is none."""
    logs = sorted(Path(folder).glob("*.snakemake.log"))  # their names begin with their dates
    if not logs:
        raise FileNotFoundError(f"{folder}: no log of a run; it is written by `make study` in this folder")
    return logs[-1]


def main() -> None:
    """Print what a run of a config would do, or what the last run did, and why."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--configfile", required=True)
    parser.add_argument("--last", action="store_true", help="explain the last run instead, from its log")
    options = parser.parse_args()
    if not options.last:
        print(explain_run(run_dry(options.configfile)))
        return
    try:
        log = find_last_log()
    except FileNotFoundError as error:
        parser.error(str(error))
    print(f"{log}:\n{explain_run(log.read_text(encoding='utf-8'), 'started')}")


if __name__ == "__main__":
    main()
