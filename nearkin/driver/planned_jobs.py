"""The jobs that a run would do, from Snakemake's output."""

import re
from typing import NamedTuple

TARGET_RULES = ("all", "curate", "figures")


class Job(NamedTuple):
    """A job of a rule, its wildcards by name, why Snakemake would run it, where it logs and what it takes."""

    rule: str
    wildcards: dict[str, str]
    reason: str = ""
    log: str = ""
    threads: int = 1
    benchmark: str = ""  # the file with its time and memory; empty if it leaves none


def parse_dry_run(output: str) -> list[Job]:
    """The jobs in the output of a dry run, targets left out.

    >>> parse_dry_run("rule embed:\\n    wildcards: model=m, shard=0\\n    threads: 2\\nrule all:\\n")
    [Job(rule='embed', wildcards={'model': 'm', 'shard': '0'}, reason='', log='', threads=2, benchmark='')]
    """
    jobs = []
    _, *parts = re.split(r"^(?:local)?rule (\w+):$", output, flags=re.MULTILINE)
    for rule, block in zip(parts[::2], parts[1::2], strict=True):
        fields = dict(re.findall(r"^ +(wildcards|reason|log|threads|benchmark): (.*)$", block, re.MULTILINE))
        pairs = fields["wildcards"].split(", ") if "wildcards" in fields else []
        if rule not in TARGET_RULES:
            wildcards = dict(pair.split("=", 1) for pair in pairs)
            texts = {name: fields[name] for name in ("reason", "log", "benchmark") if name in fields}
            jobs.append(Job(rule, wildcards, threads=int(fields.get("threads", 1)), **texts))
    return jobs
