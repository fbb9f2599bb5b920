"""Reads tables of names and captions as people deliver them: CSV in all its dialects, however long."""

import codecs
import csv
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import polars as pl
from tqdm import tqdm

logger = logging.getLogger(__name__)

DELIMITERS = ",\t;"
MAX_FIELD_CHARS = 2**28
"""Characters that a single cell may hold; a longer one is an error, so that it does not fill the memory."""
CHUNK_ROWS = 50_000
"""Rows that are held as Python lists at a time."""


def read_header(path: str | Path) -> list[str]:
    """The names of the columns of a delimited text file, without spaces around them."""
    with _open_rows(path, unquoted="") as (rows, _):
        return _read_column_names(rows)


def read_csv(
    path: str | Path,
    columns: Sequence[str],
    *,
    overflow_column: str | None = None,
    unquoted_delimiters: str = "",
) -> pl.DataFrame:
    """These columns of a delimited text file: untouched texts, rows in the file's order.

    Byte-order marks, any line ends, quotes, and comma, tab or semicolon are understood.
    Short rows are padded with empty cells. In a long row the surplus cells are joined into the
    column `overflow_column`, or else the last one, since an unquoted comma comes from there.
    Where a delimiter in `unquoted_delimiters` separates columns, quotes are plain characters, unless
    the header has some.
    Raises ValueError naming the file and its columns if one of `columns` is not there.
    """
    frames = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))]
    with (
        _open_rows(path, unquoted_delimiters) as (all_rows, delimiter),
        tqdm(unit=" rows", desc=str(path), disable=None) as progress,
    ):
        names = _read_column_names(all_rows)
        missing = [name for name in columns if name not in names]
        if missing:
            raise ValueError(f"{path}: no column {', '.join(missing)}; it has {', '.join(names) or 'none'}")
        index = {name: i for i, name in enumerate(names)}
        surplus_index = (
            len(names) - 1 if overflow_column is None else index.get(overflow_column, len(names) - 1)
        )
        while chunk := list(islice(all_rows, CHUNK_ROWS)):
            rows = [
                row if len(row) == len(names) else _fit_row(row, len(names), surplus_index, delimiter)
                for row in chunk
                if row
            ]
            cells = {name: [row[index[name]] for row in rows] for name in columns}
            frames.append(pl.DataFrame(cells, schema=frames[0].schema))
            progress.update(len(chunk))
    table = pl.concat(frames)
    logger.info("read %d rows of %s", len(table), path, extra={"counts": {"rows in": len(table)}})
    return table


def _read_column_names(rows: Iterator[list[str]]) -> list[str]:
    return [name.strip() for name in next(rows, [])]


def _fit_row(row: list[str], width: int, surplus_index: int, delimiter: str) -> list[str]:
    """A row of `width` cells: padded, or with its surplus cells joined into that at `surplus_index`."""
    surplus = len(row) - width
    if surplus > 0:
        end = surplus_index + surplus + 1
        return [*row[:surplus_index], delimiter.join(row[surplus_index:end]), *row[end:]]
    return row + [""] * -surplus


@contextmanager
def _open_rows(path: str | Path, unquoted: str) -> Iterator[tuple[Iterator[list[str]], str]]:
    """The rows of a delimited text file as lists of cells, the header first, and its delimiter."""
    earlier_limit = csv.field_size_limit(MAX_FIELD_CHARS)
    try:
        with open(path, encoding=_detect_encoding(path), errors="replace", newline="") as file:
            header = file.readline(MAX_FIELD_CHARS)
            file.seek(0)
            delimiter = max(DELIMITERS, key=header.count)
            is_plain = delimiter in unquoted and '"' not in header
            quoting = csv.QUOTE_NONE if is_plain else csv.QUOTE_MINIMAL
            yield csv.reader(file, delimiter=delimiter, quoting=quoting), delimiter
    except csv.Error as error:
        raise ValueError(f"{path}: cannot be read as a table: {error}") from error
    finally:
        csv.field_size_limit(earlier_limit)


def _detect_encoding(path: str | Path) -> str:
    """UTF-8, or UTF-16 if it has a byte-order mark, or Windows-1252 if any byte of the file is no UTF-8."""
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
