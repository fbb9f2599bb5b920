"""A table of neighbours in batches: all rows, in order, no query split across batches."""

import polars as pl
import pytest

from nearkin.storage import query_batches, tables
from nearkin.tables.neighbours import Neighbours


@pytest.mark.parametrize("n_rows", [1, 3, 5, 7, 100])
def test_batches_hold_whole_queries(tmp_path, monkeypatch, n_rows):
    lengths = {
        ("leave_one_out", "a"): 3,
        ("leave_one_out", "b"): 1,
        ("train_gallery", "a"): 4,
        ("train_gallery", "b"): 2,
    }
    rows = [(*query, rank, "x", 0.5) for query, n in lengths.items() for rank in range(1, n + 1)]
    schema = {name: column.dtype for name, column in Neighbours.columns().items()}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    tables.write(table, tmp_path / "n.parquet", Neighbours)
    monkeypatch.setattr(query_batches, "ROWS", n_rows)
    batches = list(query_batches.iter_query_batches(tmp_path / "n.parquet"))
    assert pl.concat(batches).equals(table)
    queries = [set(batch.select("protocol", "query").iter_rows()) for batch in batches]
    assert sum(map(len, queries)) == len(lengths)


def test_an_empty_table_has_no_batches(tmp_path):
    tables.write(Neighbours.create_empty(), tmp_path / "n.parquet", Neighbours)
    assert list(query_batches.iter_query_batches(tmp_path / "n.parquet")) == []
