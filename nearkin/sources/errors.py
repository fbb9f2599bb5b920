"""Tables of strangers, read by polars: whatever is wrong with one names the file."""

from contextlib import contextmanager

import polars as pl


@contextmanager
def naming_errors(path, kind):
    """A ValueError that says what the file at `path` cannot be read as, for each of polars' and the system's.

    Over some damaged files polars panics, which to Python is no `Exception`.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise ValueError(f"{path}: cannot be read as {kind}: {error}") from error
