"""The neighbours of many queries, read so that they need not all be in memory."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from nearkin.storage import tables
from nearkin.tables.neighbours import Neighbours

ROWS = 2**22
"""Rows in memory at once."""


def iter_query_batches(path: str | Path) -> Iterator[pl.DataFrame]:
    """The `Neighbours` table at `path` in parts of about ROWS rows, each of whole queries."""
    rows = tables.scan([path], Neighbours)
    n_rows = rows.select(pl.len()).collect().item()
    rest = pl.DataFrame(schema=rows.collect_schema())
    for start in range(0, n_rows, ROWS):
        part = pl.concat([rest, rows.slice(start, ROWS).collect()])
        last = (pl.col("protocol") == part["protocol"][-1]) & (pl.col("query") == part["query"][-1])
        whole = part.filter(~last) if start + ROWS < n_rows else part
        rest = part[len(whole) :]
        yield tables.validate(whole, path, Neighbours)
