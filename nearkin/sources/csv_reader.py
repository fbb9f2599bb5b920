"""Tables of names and captions as people deliver them: CSV in all its dialects, however long."""

import codecs
import csv
import logging
from contextlib import contextmanager
from itertools import islice

import polars as pl
from tqdm import tqdm

logger = logging.getLogger(__name__)

DELIMITERS = ",\t;"
MAX_FIELD_BYTES = 2**28
"""Characters that a single cell may hold; a longer one is an error, not a full memory."""
CHUNK_ROWS = 50_000
"""Rows that are held as Python lists at a time."""


def read_header(path):
    """The names of the columns of a delimited text file, without spaces around them."""
    with _open_reader(path, unquoted="") as reader:
        return _read_column_names(reader)


def read_csv(path, columns, *, free=None, unquoted=""):
    """These columns of a delimited text file: untouched texts, rows in the file's order.

    Byte-order marks, any line ends, quotes, and comma, tab or semicolon are understood.
    Short rows are filled up with empty cells. In a long row the surplus goes back into the
    column `free`, or else the last one, since that is where an unquoted comma comes from.
    With a delimiter that is in `unquoted`, quotes mean themselves, unless the header has some.
    Raises ValueError naming the file and what it has if a column is not there.
    """
    frames = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))]
    with _open_reader(path, unquoted) as reader, tqdm(unit=" rows", desc=str(path), disable=None) as done:
        names = _read_column_names(reader)
        missing = [name for name in columns if name not in names]
        if missing:
            raise ValueError(f"{path}: no column {', '.join(missing)}; it has {', '.join(names) or 'none'}")
        place = {name: at for at, name in enumerate(names)}
        surplus_at = place.get(free, len(names) - 1)
        while block := list(islice(reader, CHUNK_ROWS)):
            rows = [
                row if len(row) == len(names) else _fit_row(row, len(names), surplus_at, reader)
                for row in block
                if row
            ]
            cells = {name: [row[place[name]] for row in rows] for name in columns}
            frames.append(pl.DataFrame(cells, schema=frames[0].schema))
            done.update(len(block))
    table = pl.concat(frames)
    logger.info("read %d rows of %s", len(table), path, extra={"counts": {"rows in": len(table)}})
    return table


def _read_column_names(reader):
    return [name.strip() for name in next(reader, [])]


def _fit_row(row, width, at, reader):
    surplus = len(row) - width
    if surplus > 0:
        joined = reader.dialect.delimiter.join(row[at : at + surplus + 1])
        return [*row[:at], joined, *row[at + surplus + 1 :]]
    return row + [""] * -surplus


@contextmanager
def _open_reader(path, unquoted):
    before = csv.field_size_limit(MAX_FIELD_BYTES)
    try:
        with open(path, encoding=_detect_encoding(path), errors="replace", newline="") as file:
            first = file.readline(MAX_FIELD_BYTES)
            file.seek(0)
            delimiter = max(DELIMITERS, key=first.count)
            plain = delimiter in unquoted and '"' not in first
            quoting = csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
            yield csv.reader(file, delimiter=delimiter, quoting=quoting)
    except csv.Error as error:
        raise ValueError(f"{path}: cannot be read as a table: {error}") from error
    finally:
        csv.field_size_limit(before)


def _detect_encoding(path):
    """UTF-8, or UTF-16 if a mark says so, or Windows-1252 if any byte of the file is no UTF-8."""
    with open(path, "rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(2**20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            logger.warning("not UTF-8, read as Windows-1252: %s (%s)", path, error.reason)
            return "cp1252"
    return "utf-8-sig"
