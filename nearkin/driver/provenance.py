"""How results were made, kept beside them: so a copied folder can be taken over without doing anything again.

Snakemake's own records of parameters and inputs stay in `.snakemake`, where the run was. Here
they stand with the checksum of every file, one line a file.
"""

import hashlib
import json
import os
from pathlib import Path

from nearkin.storage.atomic import file_sha256, write_text

NAME = "provenance.jsonl"
RESTORED_SUFFIX = ".arrow"
"""Pixels, of which `make clean-pixels` leaves empty files."""
TIMESTAMP_NAME = ".snakemake_timestamp"
"""The file by which Snakemake dates a folder."""
RECORD_KEYS = (
    *("rule", "input", "log", "params", "code", "record_format_version", "software_stack_hash"),
    *("starttime", "endtime", "incomplete", "input_checksums"),
)


def write_provenance(folder, record_of):
    """Write `provenance.jsonl` into a dataset's folder of results.

    `record_of` gives Snakemake's record of a path as a dict, or None. Files that were changed after
    they were made are left out. Only what was made since the last time, and is no input of a step,
    is read: of inputs the steps' records say the checksum.
    """
    folder = Path(folder)
    records = dict(list_recorded(folder, record_of))
    known = {line["path"]: line for line in read_provenance(folder)} if (folder / NAME).exists() else {}
    seen = _input_checksums(records)
    lines = []
    for path, record in sorted(records.items()):
        kept = {name: record[name] for name in RECORD_KEYS}
        before = known.get(path)
        if path in seen:
            checksum = seen[path]
        elif before and before["record"]["endtime"] == kept["endtime"]:
            checksum = before["checksum"]
        elif abs(_dated_path(path).stat().st_mtime - kept["endtime"]) < 1e-3:
            checksum = compute_checksum(path)
        else:
            continue
        lines.append(json.dumps({"path": path, "checksum": checksum, "record": kept}, sort_keys=True))
    write_text(folder / NAME, "".join(f"{line}\n" for line in lines))


def read_provenance(folder):
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


def list_changed(lines):
    """The paths of files that are not what was made. Those that are not there are not changed."""
    return [line["path"] for line in lines if os.path.exists(line["path"]) and not _is_unchanged(line)]


def restore_mtimes(lines):
    """Give files the dates at which they were made, so that none seems newer than what was made of it."""
    for line in lines:
        if os.path.exists(line["path"]):
            os.utime(_dated_path(line["path"]), (line["record"]["endtime"],) * 2)


def compute_checksum(path):
    """As Snakemake writes it, `sha256:` and digits; of a folder, that of all files in it and their names."""
    path = Path(path)
    if not path.is_dir():
        return f"sha256:{file_sha256(path)}"
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name != TIMESTAMP_NAME)
    told = "".join(f"{compute_checksum(file)} {file.relative_to(path).as_posix()}\n" for file in files)
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"


def list_recorded(folder, record_of):
    """Every file and folder below `folder` that has a record, with it; nothing inside of such a folder."""
    for path in sorted(folder.iterdir()):
        record = record_of(path.as_posix())
        if record:
            yield path.as_posix(), record
        elif path.is_dir():
            yield from list_recorded(path, record_of)


def _input_checksums(records):
    """Checksums of those files that a later step took as inputs, as they were then."""
    found = {}
    for record in records.values():
        for path, checksum in (record["input_checksums"] or {}).items():
            if path in records and record["starttime"] >= records[path]["endtime"]:
                found[path] = checksum
    return found


def _is_unchanged(line):
    given_back = line["path"].endswith(RESTORED_SUFFIX) and os.path.getsize(line["path"]) == 0
    return given_back or compute_checksum(line["path"]) == line["checksum"]


def _is_inside(path, within):
    return path.startswith(within) and ".." not in path.split("/")


def _dated_path(path):
    """Whose date counts for a path."""
    return Path(path, TIMESTAMP_NAME) if os.path.isdir(path) else Path(path)
