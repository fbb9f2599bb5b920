"""Parquet files whose pages carry checksums, held against them whenever they are read.

The checksum of a page is the CRC-32 that the format provides for; any reader of Parquet opens
such files. polars does not look at it, so that a flipped bit could pass for another value.
"""

from contextlib import contextmanager

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nearkin.storage.atomic import atomic_path, read_error
from nearkin.storage.lineage import CONTENT, NO_ROWS, add_digests, content_digest

ROWS = 2**17
"""Rows of a row group, which is what a reader that goes through a file has in memory."""


def read_parquet(path, columns=None):
    """The table in a file, or some of its columns in this order.

    Raises ValueError, naming the file, if it is damaged or has no such column.
    """
    with _open(path) as file:
        found = _to_frame(file.read(columns))
        _check_complete(len(found), file)
        return found if columns is None else found.select(columns)


def verify_checksums(path):
    """Read all pages; returns the names and types of the columns. Errors are those of `read_parquet`."""
    with _open(path) as file:
        _check_complete(sum(len(batch) for batch in file.iter_batches(ROWS)), file)
        return pl.scan_parquet(path, glob=False).collect_schema()


def read_metadata(path):
    """What was stamped into a file, by name; errors as those of `read_parquet`."""
    with _open(path) as file:
        return {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}


def write_parquet(frames, path, *, schema, stamps):
    """Write frames of one polars schema that follow each other, whole or not at all; returns how many rows.

    `stamps`, texts by name, stand in the file's metadata, and with them the digest of its rows (see
    nearkin/storage/lineage.py).
    """
    arrow, n_rows, digests = (
        pl.DataFrame(schema=schema).to_arrow().schema.with_metadata(stamps),
        0,
        [NO_ROWS],
    )
    options = {"compression": "zstd", "write_page_checksum": True}
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, arrow, **options) as writer:
        for frame in frames:
            writer.write_table(frame.to_arrow().cast(arrow), row_group_size=ROWS)
            n_rows += len(frame)
            digests.append(content_digest([frame]))
        writer.add_key_value_metadata({CONTENT: add_digests(digests)})
    return n_rows


def _to_frame(table):
    return pl.from_arrow(table.replace_schema_metadata(None))  # polars can't bear damaged stamps


def _check_complete(n_rows, file):
    if n_rows != file.metadata.num_rows:
        raise ValueError(f"it has {n_rows} rows, not {file.metadata.num_rows}")


@contextmanager
def _open(path):
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise read_error(path, f"cannot be read as a table: {error}; remove it and rerun", error) from error
