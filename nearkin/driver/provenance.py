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
GIVEN_BACK = ".arrow"
"""Pixels, of which `make clean-pixels` leaves empty files."""
DATED = ".snakemake_timestamp"
"""The file by which Snakemake dates a folder."""
KEPT = ("rule", "input", "log", "params", "code", "record_format_version", "software_stack_hash", "starttime",
        "endtime", "incomplete", "input_checksums")  # fmt: skip


def write(folder, record_of):
    """Write `provenance.jsonl` into a dataset's folder of results.

    `record_of` gives Snakemake's record of a path as a dict, or None. Files that were changed after
    they were made are left out. Only what was made since the last time, and is no input of a step,
    is read: of inputs the steps' records say the checksum.
    """
    folder = Path(folder)
    records = dict(recorded(folder, record_of))
    known = {line["path"]: line for line in read(folder)} if (folder / NAME).exists() else {}
    seen = _seen(records)
    lines = []
    for path, record in sorted(records.items()):
        kept = {name: record[name] for name in KEPT}
        before = known.get(path)
        if path in seen:
            checksum = seen[path]
        elif before and before["record"]["endtime"] == kept["endtime"]:
            checksum = before["checksum"]
        elif abs(_dated(path).stat().st_mtime - kept["endtime"]) < 1e-3:
            checksum = checksum_of(path)
        else:
            continue
        lines.append(json.dumps({"path": path, "checksum": checksum, "record": kept}, sort_keys=True))
    write_text(folder / NAME, "".join(f"{line}\n" for line in lines))


def read(folder):
    """The lines of a folder's `provenance.jsonl`. Raises ValueError, naming the file, if it is none."""
    file, within = Path(folder, NAME), f"{Path(folder).as_posix()}/"
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        strange = [line["path"] for line in lines if not _inside(line["path"], within)]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{file}: is not a record of results: {error}") from error
    if strange:
        raise ValueError(f"{file}: {strange[0]!r} is not in {within}")
    return lines


def changed(lines):
    """The paths of files that are not what was made. Those that are not there are not changed."""
    return [line["path"] for line in lines if os.path.exists(line["path"]) and not _is_as_made(line)]


def redate(lines):
    """Give files the dates at which they were made, so that none seems newer than what was made of it."""
    for line in lines:
        if os.path.exists(line["path"]):
            os.utime(_dated(line["path"]), (line["record"]["endtime"],) * 2)


def checksum_of(path):
    """As Snakemake writes it, `sha256:` and digits; of a folder, that of all files in it and their names."""
    path = Path(path)
    if not path.is_dir():
        return f"sha256:{file_sha256(path)}"
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name != DATED)
    told = "".join(f"{checksum_of(file)} {file.relative_to(path).as_posix()}\n" for file in files)
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"


def recorded(folder, record_of):
    """Every file and folder below `folder` that has a record, with it; nothing inside of such a folder."""
    for path in sorted(folder.iterdir()):
        record = record_of(path.as_posix())
        if record:
            yield path.as_posix(), record
        elif path.is_dir():
            yield from recorded(path, record_of)


def _seen(records):
    """Checksums of those files that a later step took as inputs, as they were then."""
    found = {}
    for record in records.values():
        for path, checksum in (record["input_checksums"] or {}).items():
            if path in records and record["starttime"] >= records[path]["endtime"]:
                found[path] = checksum
    return found


def _is_as_made(line):
    given_back = line["path"].endswith(GIVEN_BACK) and os.path.getsize(line["path"]) == 0
    return given_back or checksum_of(line["path"]) == line["checksum"]


def _inside(path, within):
    return path.startswith(within) and ".." not in path.split("/")


def _dated(path):
    """Whose date counts for a path."""
    return Path(path, DATED) if os.path.isdir(path) else Path(path)
