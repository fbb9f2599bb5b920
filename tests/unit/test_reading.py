"""Errors over strangers' tables name the file, polars' panics too."""

import polars as pl
import pytest

from nearkin.sources import reading


@pytest.mark.parametrize("kind", [pl.exceptions.ComputeError, pl.exceptions.PanicException, OSError])
def test_the_file_is_named(kind):
    with (
        pytest.raises(ValueError, match="t.parquet: cannot be read as a table: broken"),
        reading.naming("t.parquet", "a table"),
    ):
        raise kind("broken")


def test_what_is_no_fault_of_the_file_stays_as_it_is():
    with pytest.raises(KeyError), reading.naming("t.parquet", "a table"):
        raise KeyError("ours")
