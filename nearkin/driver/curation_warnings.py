"""What the steps of a dataset's curation warned of, from the logs that they leave. No libraries."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

CURATION_RULES = (
    *(
        "generate_synthetic",
        "download_dataset",
        "list_images",
        "inspect_images",
        "clean_labels",
        "complete_captions",
    ),
    *("group_images", "split_images"),
)
"""The rules whose results `check_curation` checks, in the order in which they work."""

LOGGED_RULES = (*CURATION_RULES, "describe_dataset", "audit_leakage", "write_audit")
"""The rules whose logs are read."""

WARNING = re.compile(r"^\S+ \S+ WARNING (?:nearkin\S*|__main__): (.*)$")
"""A line of a log: what the libraries warn of is not meant for a curator."""

EXAMPLES, KINDS, LONGEST = 3, 20, 200
"""How many of one kind are named, how many kinds are told, and characters of one line."""


def summarise_warnings(dataset: str, shards: Iterable[int] = (), logs: str | Path = "logs") -> list[str]:
    """A line for each kind of warning of a dataset's curation, at most KINDS of them; none if there is none.

    The logs of other `shards`, which an earlier run may have had, do not count.

    What stands before the first colon of a warning is its kind. Numbers behind it are added up,
    of other things the first are named. Signs that could steer a terminal are left out.
    """
    lines = []
    for rule in LOGGED_RULES:
        found = defaultdict(list)
        for name in (dataset, *(f"{dataset}/{shard}" for shard in shards)):
            for said in _read_warnings(Path(logs, rule, f"{name}.log")):
                kind, _, subject = said.partition(": ")
                found[kind].append(subject)
        lines += [f"{rule}: {_format_kind(kind, subjects)}" for kind, subjects in found.items()]
    if len(lines) > KINDS:
        lines[KINDS:] = [f"and {len(lines) - KINDS} more kinds"]
    return lines


def _read_warnings(path: Path) -> list[str]:
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    return [match[1] for match in map(WARNING.match, text.splitlines()) if match]


def _format_kind(kind: str, subjects: list[str]) -> str:
    if all(subject.isdecimal() for subject in subjects):
        told = f"{kind}: {sum(map(int, subjects))}"
    else:
        told = f"{kind}: {', '.join(subjects[:EXAMPLES])}".removesuffix(": ")
        if len(subjects) > EXAMPLES:
            told += f" and {len(subjects) - EXAMPLES} more"
    told = "".join(sign for sign in told if sign.isprintable())
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}..."
