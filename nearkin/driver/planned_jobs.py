"""Which jobs a run would do, and what jobs took before, from what Snakemake says and leaves behind."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

TARGET_RULES = ("all", "curate", "figures")


class Job(NamedTuple):
    """A job of a rule, its wildcards by name, why Snakemake would run it, and where it logs."""

    rule: str
    wildcards: dict
    reason: str = ""
    log: str = ""


def parse_dry_run(said):
    """The jobs in the output of a dry run, targets left out.

    >>> parse_dry_run("rule embed_images:\\n    input: a\\n    wildcards: dataset=d, shard=0\\nrule all:\\n")
    [Job(rule='embed_images', wildcards={'dataset': 'd', 'shard': '0'}, reason='', log='')]
    """
    found = []
    for block in re.split(r"^(?=(?:local)?rule \w+:$)", said, flags=re.MULTILINE)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)[1]
        told = dict(re.findall(r"^ +(wildcards|reason|log): (.*)$", block, re.MULTILINE))
        pairs = told["wildcards"].split(", ") if "wildcards" in told else []
        if rule not in TARGET_RULES:
            wildcards = dict(pair.split("=", 1) for pair in pairs)
            found.append(Job(rule, wildcards, told.get("reason", ""), told.get("log", "")))
    return found


def previous_seconds(costs, rule, *about):
    """How long the jobs of a rule took in an earlier run, together; None if it left no costs.

    `costs` is the folder of Snakemake's benchmark files; `about` are the wildcards but shards:
    their files are {rule}/{about}.tsv, or lie below {rule}/{about}/.
    """
    place = Path(costs, rule, *about)
    paths = [place.with_name(f"{place.name}.tsv"), *place.rglob("*.tsv")]
    seconds = [_read_seconds(path) for path in paths if path.exists()]
    return sum(seconds) if seconds else None


def _read_seconds(path):
    with open(path, encoding="utf-8", newline="") as file:
        return sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
