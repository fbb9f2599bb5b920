"""Errors of polars over delivered tables, as errors that name the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl


@contextmanager
def name_errors(path: str | Path, kind: str) -> Iterator[None]:
    """A context in which errors of polars and the system become ValueErrors: `path` is no readable `kind`.

    On some damaged files polars panics, and a panic is no `Exception` in Python.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise ValueError(f"{path}: cannot be read as {kind}: {error}") from error
