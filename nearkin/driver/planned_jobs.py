"""The jobs that a run would do, and the seconds that jobs took before, from Snakemake's output and files."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

TARGET_RULES = ("all", "curate", "figures")


class Job(NamedTuple):
    """A job of a rule, its wildcards by name, why Snakemake would run it, and where it logs."""

    rule: str
    wildcards: dict[str, str]
    reason: str = ""
    log: str = ""


def parse_dry_run(output: str) -> list[Job]:
    """The jobs in the output of a dry run, targets left out.

    >>> parse_dry_run("rule embed_images:\\n    input: a\\n    wildcards: dataset=d, shard=0\\nrule all:\\n")
    [Job(rule='embed_images', wildcards={'dataset': 'd', 'shard': '0'}, reason='', log='')]
    """
    jobs = []
    _, *parts = re.split(r"^(?:local)?rule (\w+):$", output, flags=re.MULTILINE)
    for rule, block in zip(parts[::2], parts[1::2], strict=True):
        fields = dict(re.findall(r"^ +(wildcards|reason|log): (.*)$", block, re.MULTILINE))
        pairs = fields["wildcards"].split(", ") if "wildcards" in fields else []
        if rule not in TARGET_RULES:
            wildcards = dict(pair.split("=", 1) for pair in pairs)
            jobs.append(Job(rule, wildcards, fields.get("reason", ""), fields.get("log", "")))
    return jobs


def read_previous_seconds(costs: str | Path, rule: str, *about: str) -> float | None:
    """The seconds that all jobs of a rule took in an earlier run, added up; None if it left no costs.

    `costs` is the folder of Snakemake's benchmark files; `about` are the wildcards except shards:
    their files are {rule}/{about}.tsv, or lie below {rule}/{about}/.
    """
    folder = Path(costs, rule, *about)
    paths = [folder.with_name(f"{folder.name}.tsv"), *folder.rglob("*.tsv")]
    seconds = [_read_seconds(path) for path in paths if path.exists()]
    return sum(seconds) if seconds else None


def _read_seconds(path: Path) -> float:
    with open(path, encoding="utf-8", newline="") as file:
        return sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
