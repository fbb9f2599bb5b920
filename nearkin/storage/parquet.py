"""Parquet files whose pages carry checksums, which every read verifies.

The checksum of a page is the CRC-32 that the format provides for; any reader of Parquet opens
such files. polars does not check it, so that a flipped bit could pass for another value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nearkin.storage.atomic import atomic_path, read_error
from nearkin.storage.lineage import CONTENT, NO_ROWS, add_digests, content_digest

ROWS = 2**17
"""Rows of a row group, the part of a file that a streaming reader holds in memory."""


def read_parquet(path: str | Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The table in a file, or some of its columns in this order.

    Raises ValueError, naming the file, if it is damaged or has no such column.
    """
    with _open(path) as file:
        frame = _to_frame(file.read(columns))
        _check_complete(len(frame), file)
        return frame if columns is None else frame.select(columns)


def verify_checksums(path: str | Path) -> pl.Schema:
    """The names and types of the columns, after a check of all pages. Errors are those of `read_parquet`."""
    with _open(path) as file:
        _check_complete(sum(len(batch) for batch in file.iter_batches(ROWS)), file)
        return pl.scan_parquet(path, glob=False).collect_schema()


def read_metadata(path: str | Path) -> dict[str, str]:
    """A file's key-value metadata. Errors are those of `read_parquet`."""
    with _open(path) as file:
        return {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}


def write_parquet(
    frames: Iterable[pl.DataFrame], path: str | Path, *, schema: pl.Schema, metadata: Mapping[str, str]
) -> int:
    """Write consecutive frames of one polars schema, whole or not at all; returns the number of rows.

    The file's metadata are `metadata` and the digest of its rows (see nearkin/storage/lineage.py).
    """
    arrow = pl.DataFrame(schema=schema).to_arrow().schema.with_metadata(metadata)
    n_rows, digests = 0, [NO_ROWS]
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, arrow, compression="zstd", write_page_checksum=True) as writer,
    ):
        for frame in frames:
            writer.write_table(frame.to_arrow().cast(arrow), row_group_size=ROWS)
            n_rows += len(frame)
            digests.append(content_digest([frame]))
        writer.add_key_value_metadata({CONTENT: add_digests(digests)})
    return n_rows


def _to_frame(table: pa.Table) -> pl.DataFrame:
    bare = table.replace_schema_metadata(None)  # polars fails on damaged metadata
    return cast(pl.DataFrame, pl.from_arrow(bare))


def _check_complete(n_rows: int, file: pq.ParquetFile) -> None:
    if n_rows != file.metadata.num_rows:
        raise ValueError(f"it has {n_rows} rows, not {file.metadata.num_rows}")


@contextmanager
def _open(path: str | Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise read_error(path, f"cannot be read as a table: {error}; remove it and rerun", error) from error
