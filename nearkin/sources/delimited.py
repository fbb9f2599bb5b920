"""Tables of names and captions as people deliver them: CSV in all its dialects."""

import csv
import io
import logging
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

DELIMITERS = ",\t;"
LONGEST = 2**28
"""Characters that a single cell may hold; a longer one is an error, not a full memory."""


def read_rows(path, required, *, free):
    """The rows of a delimited text file as dicts of untouched strings, in the file's order.

    Byte-order marks, any line ends, quotes, and comma, tab or semicolon are understood.
    Short rows are filled up with empty cells. In a long row the surplus goes back into the
    column `free`, since that is where an unquoted comma comes from. Raises ValueError naming
    the file and its columns if one of `required` is not there.
    """
    text = _decoded(path)
    lines = io.StringIO(text, newline="")
    delimiter = max(DELIMITERS, key=lines.readline().count)
    lines.seek(0)
    with _long_cells():
        try:
            header, *rows = list(csv.reader(lines, delimiter=delimiter)) or [[]]
        except csv.Error as error:
            raise ValueError(f"{path}: cannot be read as a table: {error}") from error
    header = [name.strip() for name in header]
    missing = [name for name in required if name not in header]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}; it has {', '.join(header) or 'none'}")
    at = header.index(free) if free in header else len(header) - 1
    return [dict(zip(header, _fitted(row, len(header), at, delimiter), strict=True)) for row in rows if row]


def _fitted(row, width, at, delimiter):
    surplus = len(row) - width
    if surplus > 0:
        return [*row[:at], delimiter.join(row[at : at + surplus + 1]), *row[at + surplus + 1 :]]
    return row + [""] * -surplus


def _decoded(path):
    data = Path(path).read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        logger.warning("%s: not UTF-8 (%s), read as Windows-1252", path, error)
        return data.decode("cp1252", errors="replace")


@contextmanager
def _long_cells():
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
