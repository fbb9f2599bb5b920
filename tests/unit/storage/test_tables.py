"""Tables: complete or absent, as declared, the same bytes for any row order."""

from contextlib import suppress

import polars as pl
import pytest

from nearkin.storage import tables
from nearkin.storage.atomic import atomic_path
from nearkin.storage.lineage import content_digest
from nearkin.tables.splits import Splits

LOUD = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
TABLE = pl.DataFrame(
    {
        "uuid": ["b", "a"],
        "split": ["test", "train"],
        "group_id": ["b", "a"],
        "reason": [None, "too_few_groups"],
        "evidence": [None, "1 to assign"],
    }
)


def test_a_table_is_read_sorted_with_metadata(tmp_path):
    path = tmp_path / "new folder" / "splits.parquet"
    tables.write(TABLE, path, Splits, dataset="museum")
    assert tables.read(path, Splits).equals(TABLE.sort("uuid"))
    content = content_digest([TABLE])
    metadata = {"format": "1", "table": "Splits", "dataset": "museum", "content": content}
    assert tables.read_metadata(path) == metadata
    first = path.read_bytes()
    tables.write(TABLE.reverse(), path, Splits, dataset="museum")
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == ["splits.parquet"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.drop("split"), "split"),
        (TABLE.with_columns(split=pl.lit("somewhere")), "check"),
        (TABLE.with_columns(uuid=pl.lit("a")), "primary_key"),
        (TABLE.with_columns(split=pl.lit(1)), "split"),
    ],
)
def test_a_wrong_table_is_not_written(tmp_path, table, message):
    with pytest.raises(Exception, match=message):
        tables.write(table, tmp_path / "x.parquet", Splits)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_a_table_is_reported(tmp_path):
    (tmp_path / "x.parquet").write_text("no table")
    with pytest.raises(ValueError, match=r"x\.parquet: cannot be read as a table"):
        tables.read(tmp_path / "x.parquet", Splits)


def flip_each_byte(path):
    """Write the file with one bit flipped, for each byte in turn, and yield the position."""
    whole = path.read_bytes()
    for position, byte in enumerate(whole):
        path.write_bytes(whole[:position] + bytes([byte ^ 1 << position % 8]) + whole[position + 1 :])
        yield position


def test_a_flipped_bit_is_an_error_or_changes_nothing(tmp_path):
    path = tmp_path / "x.parquet"
    tables.write(TABLE, path, Splits)
    for position in flip_each_byte(path):
        try:
            assert tables.read(path, Splits).equals(TABLE.sort("uuid")), position
        except ValueError as error:
            assert "x.parquet" in str(error)


def test_a_flipped_bit_is_an_error_in_a_scan(tmp_path):
    path = tmp_path / "x.parquet"
    tables.write(TABLE, path, Splits)
    for position in flip_each_byte(path):
        with suppress(ValueError, *LOUD):
            assert tables.scan([path], Splits).collect().equals(TABLE.sort("uuid")), position


def test_lazy_rows_are_written_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("nearkin.storage.parquet.ROWS", 3)
    rows = TABLE.drop("uuid").head(1).join(pl.DataFrame({"uuid": [f"{i}" for i in range(8)]}), how="cross")
    tables.write_lazy(rows.lazy(), tmp_path / "x.parquet", Splits, dataset="museum")
    assert tables.read(tmp_path / "x.parquet", Splits).equals(rows.select(TABLE.columns))
    assert tables.read_metadata(tmp_path / "x.parquet")["dataset"] == "museum"
    assert pl.read_parquet(tmp_path / "x.parquet").equals(rows.select(TABLE.columns))


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.txt"]


def test_a_scan_validates_the_columns(tmp_path):
    declared = {name: column.dtype for name, column in Splits.columns().items()}
    pl.DataFrame(schema=declared).write_parquet(tmp_path / "good.parquet")
    pl.DataFrame(schema=declared | {"split": pl.Int32}).write_parquet(tmp_path / "bad.parquet")
    assert tables.scan([tmp_path / "good.parquet"] * 2, Splits).collect().shape == (0, len(declared))
    with pytest.raises(ValueError, match=r"bad.parquet: is not a Splits table: see column 'split'"):
        tables.scan([tmp_path / "good.parquet", tmp_path / "bad.parquet"], Splits)
    with pytest.raises(ValueError, match=r"gone.parquet: cannot be read as a table"):
        tables.scan([tmp_path / "gone.parquet"], Splits)
