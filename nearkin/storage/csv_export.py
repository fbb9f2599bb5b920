"""CSV twins of tables, for programs that do not read Parquet."""

from pathlib import Path

import polars as pl
import polars.selectors as cs

from nearkin.storage.atomic import atomic_path


def escape_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame for CSV: lists of texts joined by `; `, and no text that a spreadsheet would compute.

    A text that starts like a formula gets an apostrophe in front, as in the tables of the pages.

    >>> frame = pl.DataFrame({"n": [-1], "name": ["=1+1"], "worsened_labels": [["Aus bus", "Aus cus"]]})
    >>> escape_formulas(frame).row(0)
    (-1, "'=1+1", 'Aus bus; Aus cus')
    """
    joined = frame.with_columns(cs.list().list.join("; "))
    return joined.with_columns(cs.string().str.replace(r"^([=+\-@\t\r])", "'$1"))


def write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV (RFC 4180, UTF-8), whole or not at all; numbers in full, nulls empty."""
    with atomic_path(path) as temporary:
        escape_formulas(frame).write_csv(temporary)
