"""What a run would do, and why, in plain words: `make explain CONFIG=config/config.yaml`.

Nothing is run. Jobs that run only since others do before them are counted, not explained.
"""

import argparse
import re
from collections import Counter
from textwrap import shorten

from nearkin.driver import planned_jobs
from nearkin.driver.dry_run import run_dry

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
CODE = re.compile(r"^Params have changed .* before: '[0-9a-f]{64}' now: '[0-9a-f]{64}' *$")
"""The digest of a script's code is its only parameter that is 64 hexadecimal digits alone."""
MAX_NAMED = 3
"""Files and settings that are named."""


def explain_jobs(jobs):
    """Sentences: which jobs would run and why, by rule; those with a cause of their own first."""
    roots, following = {}, Counter()
    for job in sorted(jobs, key=lambda job: (job.rule, sorted(job.wildcards.items()))):
        own = [part for part in job.reason.split("; ") if not part.startswith(FOLLOWS)]
        own = [CODE.sub("Code has changed since last execution", part) for part in own]
        if own:
            kinds = [part.split(": ", 1) for part in own]
            roots.setdefault((job.rule, *(kind for kind, *_ in kinds)), []).append((job, kinds))
        else:
            following[job.rule] += 1
    lines = [_explain_rule(rule, found) for (rule, *_), found in roots.items()]
    if following:
        counts = ", ".join(f"{rule} {n}" for rule, n in following.items())
        verb = "follows" if following.total() == 1 else "follow"
        lines.append(f"{_count_jobs(following.total())} that {verb} from these: {counts}")
    return lines


def _explain_rule(rule, found):
    """One rule and the kinds of its cause, with what its jobs say of each."""
    about = dict.fromkeys(_format_subject(job) for job, _ in found)
    causes = []
    for kind, *_ in found[0][1]:
        told = dict.fromkeys(
            one for _, kinds in found for name, *rest in kinds if name == kind for one in _explain_cause(rest)
        )
        causes.append(WORDS.get(kind, kind) + (f": {_list_some(told)}" if told else ""))
    return f"{rule}, {_count_jobs(len(found))} ({_list_some(about)}): {'; '.join(causes)}"


def _explain_cause(rest):
    """What Snakemake says of a cause: files, or settings before and now."""
    if not rest:
        return []
    settings = re.search(r"before: (.*) now: (.*)$", rest[0].strip())
    if not settings:
        return rest[0].split(", ")
    named = [None if one == "<nothing exclusive>" else one for one in settings.groups()]
    return [f"{when} {shorten(one, 100)}" for when, one in zip(("before", "now"), named, strict=True) if one]


def _format_subject(job):
    """What a job is about; shards and chunks count together."""
    return " ".join(value for key, value in job.wildcards.items() if key not in ("shard", "chunk"))


def _list_some(names):
    names = list(names)
    rest = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + rest


def _count_jobs(n):
    return f"{n:,} job" if n == 1 else f"{n:,} jobs"


def explain_dry_run(said):
    """What a dry run said, in plain words."""
    jobs = planned_jobs.parse_dry_run(said)
    lines = [f"{_count_jobs(len(jobs))} would run.", *explain_jobs(jobs)] if jobs else ["Nothing would run."]
    unknown = UNKNOWN.search(said)
    if unknown:
        names = ", ".join(unknown[1].split())
        lines.append(f"Taken as they are, for nothing says how they were made: results of {names}.")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--configfile", required=True)
    print(explain_dry_run(run_dry(parser.parse_args().configfile)))


if __name__ == "__main__":
    main()
