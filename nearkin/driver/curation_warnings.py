"""The warnings of a dataset's curation, from the logs of its steps. Needs no libraries."""

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
"""The rules whose results `check_curation` checks, in the order in which they run."""

LOGGED_RULES = (*CURATION_RULES, "describe_dataset", "audit_leakage", "write_audit")
"""The rules whose logs are read."""

WARNING = re.compile(r"^\S+ \S+ WARNING (?:nearkin\S*|__main__): (.*)$")
"""A line of a log; warnings of the libraries are not for a curator and do not match."""

MAX_EXAMPLES, MAX_KINDS, MAX_LINE_CHARS = 3, 20, 200
"""How many warnings of one kind are named, how many kinds are listed, and characters of one line."""


def summarise_warnings(dataset: str, shards: Iterable[int] = (), logs: str | Path = "logs") -> list[str]:
    """A line for each kind of warning of a dataset's curation, at most MAX_KINDS and one about the rest.

    The logs of other `shards`, which an earlier run may have had, do not count.

    The kind of a warning is its text before the first colon. Numbers after the colon are added up; of
    other texts the first few are named. Control characters are removed, since they could steer a terminal.
    """
    lines = []
    for rule in LOGGED_RULES:
        subjects_by_kind = defaultdict(list)
        for name in (dataset, *(f"{dataset}/{shard}" for shard in shards)):
            for warning in _read_warnings(Path(logs, rule, f"{name}.log")):
                kind, _, subject = warning.partition(": ")
                subjects_by_kind[kind].append(subject)
        lines += [f"{rule}: {_format_kind(kind, subjects)}" for kind, subjects in subjects_by_kind.items()]
    if len(lines) > MAX_KINDS:
        lines[MAX_KINDS:] = [f"and {len(lines) - MAX_KINDS} more kinds"]
    return lines


def _read_warnings(path: Path) -> list[str]:
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    return [match[1] for match in map(WARNING.match, text.splitlines()) if match]


def _format_kind(kind: str, subjects: list[str]) -> str:
    if all(subject.isdecimal() for subject in subjects):
        line = f"{kind}: {sum(map(int, subjects))}"
    else:
        line = f"{kind}: {', '.join(subjects[:MAX_EXAMPLES])}".removesuffix(": ")
        if len(subjects) > MAX_EXAMPLES:
            line += f" and {len(subjects) - MAX_EXAMPLES} more"
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= MAX_LINE_CHARS else f"{line[:MAX_LINE_CHARS]}..."
