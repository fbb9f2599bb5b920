"""How results were made, written next to them, so that every byte of a copy can be checked.

Snakemake's own records of parameters and inputs stay in `.snakemake`, where the run was. Here
each file has one line with its record and its checksum.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from nearkin.storage.atomic import file_sha256, write_text

if TYPE_CHECKING:
    from snakemake.persistence import MetadataRecord

NAME = "provenance.jsonl"
RESTORED_SUFFIX = ".arrow"
"""Files of decoded pixels; `make clean-pixels` leaves them empty."""
TIMESTAMP_NAME = ".snakemake_timestamp"
"""The file whose date Snakemake takes as that of its folder."""
RECORD_KEYS = ("rule", "input", "log", "params", "code", "starttime", "endtime", "input_checksums")


class Record(TypedDict):
    """What is kept of Snakemake's record of a file: the keys in RECORD_KEYS."""

    rule: str
    input: list[str]
    log: list[str]
    params: list[object]
    code: str | None
    starttime: float  # seconds since 1970, as endtime
    endtime: float
    input_checksums: dict[str, str] | None


class Line(TypedDict):
    """A line of `provenance.jsonl`: about one file or folder."""

    path: str
    checksum: str
    record: Record


def write_provenance(folder: str | Path, record_of: "Callable[[str], MetadataRecord | None]") -> None:
    """Write `provenance.jsonl` into a dataset's folder of results.

    `record_of` returns Snakemake's record of a path, or None. Files that were changed after
    they were made are left out. Only files that were made since the last time, and are no input of a
    step, are read: the checksums of inputs are in the records of the steps.
    """
    folder = Path(folder)
    records = {
        path: cast(Record, {key: record[key] for key in RECORD_KEYS})
        for path, record in list_recorded(folder, record_of)
        if record["endtime"] is not None  # a database keeps mere marks of incomplete files as records
    }
    previous = {line["path"]: line for line in read_provenance(folder)} if (folder / NAME).exists() else {}
    input_checksums = _input_checksums(records)
    lines = []
    for path, record in sorted(records.items()):
        before = previous.get(path)
        if path in input_checksums:
            checksum = input_checksums[path]
        elif before and before["record"]["endtime"] == record["endtime"]:
            checksum = before["checksum"]
        elif abs(_dated_path(path).stat().st_mtime - record["endtime"]) < 1e-3:
            checksum = compute_checksum(path)
        else:
            continue
        lines.append(json.dumps({"path": path, "checksum": checksum, "record": record}, sort_keys=True))
    write_text(folder / NAME, "".join(f"{line}\n" for line in lines))


def read_provenance(folder: str | Path) -> list[Line]:
    """The lines of a folder's `provenance.jsonl`. Raises ValueError, naming the file, if it is none."""
    file, within = Path(folder, NAME), f"{Path(folder).as_posix()}/"
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        strange = [line["path"] for line in lines if not _is_inside(line["path"], within)]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{file}: is not a record of results: {error}") from error
    if strange:
        raise ValueError(f"{file}: {strange[0]!r} is not in {within}")
    return lines


def list_changed(lines: Iterable[Line]) -> list[str]:
    """The paths of files that are not what was made. Missing files do not count as changed."""
    return [line["path"] for line in lines if os.path.exists(line["path"]) and not _is_unchanged(line)]


def compute_checksum(path: str | Path) -> str:
    """`sha256:` and digits, as Snakemake writes it; of a folder, the digest of its files and their names."""
    path = Path(path)
    if not path.is_dir():
        return f"sha256:{file_sha256(path)}"
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name != TIMESTAMP_NAME)
    listing = "".join(f"{compute_checksum(file)} {file.relative_to(path).as_posix()}\n" for file in files)
    return f"sha256:{hashlib.sha256(listing.encode()).hexdigest()}"


def list_recorded(
    folder: Path, record_of: "Callable[[str], MetadataRecord | None]"
) -> "Iterator[tuple[str, MetadataRecord]]":
    """Every file and folder below `folder` that has a record, with it; nothing inside such a folder."""
    for path in sorted(folder.iterdir()):
        record = record_of(path.as_posix())
        if record:
            yield path.as_posix(), record
        elif path.is_dir():
            yield from list_recorded(path, record_of)


def _input_checksums(records: Mapping[str, Record]) -> dict[str, str]:
    """Checksums of the files that a later step took as inputs, as they were then."""
    checksums = {}
    for record in records.values():
        for path, checksum in (record["input_checksums"] or {}).items():
            if path in records and record["starttime"] >= records[path]["endtime"]:
                checksums[path] = checksum
    return checksums


def _is_unchanged(line: Line) -> bool:
    is_emptied = line["path"].endswith(RESTORED_SUFFIX) and os.path.getsize(line["path"]) == 0
    return is_emptied or compute_checksum(line["path"]) == line["checksum"]


def _is_inside(path: str, within: str) -> bool:
    return path.startswith(within) and ".." not in path.split("/")


def _dated_path(path: str) -> Path:
    """The file whose date counts for a path."""
    return Path(path, TIMESTAMP_NAME) if os.path.isdir(path) else Path(path)
