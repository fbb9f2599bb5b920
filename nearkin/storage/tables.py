"""Reading and writing tables through their declarations.

A table is a Parquet file whose columns, types and keys are declared once, as a
`dataframely` schema in this package. A wrong column fails in the step that made it.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import dataframely as dy
import polars as pl
from dataframely.exc import SchemaError, ValidationError

from nearkin.storage import lineage, parquet

logger = logging.getLogger(__name__)

FORMAT_VERSION = "1"


def read(path: str | Path, schema: type[dy.Schema], columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The table at `path`, checked against its declaration.

    With `columns`, only these are read, and only their types are checked.
    """
    frame = parquet.read_parquet(path, columns)
    logger.info("read %d rows of %s", len(frame), path, extra={"counts": {"rows in": len(frame)}})
    if columns is None:
        return validate(frame, path, schema)
    declared = {name: column.dtype for name, column in schema.columns().items()}
    for name in columns:
        if frame.schema[name] != declared[name]:
            raise ValueError(f"{path}: column {name!r} is {frame.schema[name]}, not {declared[name]}")
    return frame


def read_all(
    paths: Iterable[str | Path], schema: type[dy.Schema], columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """The rows of all shards of a table, in the order of its key."""
    frame = pl.concat([read(path, schema, columns) for path in paths])
    key = [name for name in schema.primary_key() if name in frame.columns]
    return frame.sort(key) if key else frame


def read_if_current(path: str | Path, schema: type[dy.Schema], **metadata: object) -> pl.DataFrame:
    """The table at `path` if it has this `metadata`, or an empty one if it has not or cannot be read."""
    if Path(path).exists():
        try:
            if format_metadata(schema, metadata).items() <= parquet.read_metadata(path).items():
                return read(path, schema)
        except (ValueError, pl.exceptions.PolarsError) as error:
            logger.warning("not reused: %s", error)
    return schema.create_empty()


def scan(paths: Sequence[str | Path], schema: type[dy.Schema]) -> pl.LazyFrame:
    """The rows of all shards of a table, read lazily. The files' checksums and types are checked at once."""
    declared = pl.Schema({name: column.dtype for name, column in schema.columns().items()})
    for path in paths:
        actual = parquet.verify_checksums(path)
        wrong = [name for name, dtype in declared.items() if actual.get(name) != dtype]
        if wrong:
            raise ValueError(f"{path}: is not a {schema.__name__} table: see column {wrong[0]!r}")
    rows = pl.scan_parquet([Path(path) for path in paths], glob=False)
    n_rows = rows.select(pl.len()).collect().item()  # from the files' metadata
    logger.info("%d rows of %d files", n_rows, len(paths), extra={"counts": {"rows in": n_rows}})
    return rows


def write(frame: pl.DataFrame, path: str | Path, schema: type[dy.Schema], **metadata: object) -> None:
    """Write a table, sorted by its key, whole or not at all.

    The file's metadata are `metadata` (say `dataset` and `fingerprint`), as texts, and the step's lineage.
    """
    frame = frame.select(schema.column_names()).sort(schema.primary_key())
    frame = validate(frame, path, schema)
    all_metadata = format_metadata(schema, lineage.record_as_metadata() | metadata)
    _log_written(parquet.write_parquet([frame], path, schema=frame.schema, metadata=all_metadata), path)


def write_lazy(rows: pl.LazyFrame, path: str | Path, schema: type[dy.Schema], **metadata: object) -> None:
    """Write a lazy frame that is in the order of its key, without holding all of it in memory."""
    rows = rows.select(schema.column_names())
    parts = rows.collect_batches(chunk_size=parquet.ROWS, maintain_order=True)
    all_metadata = format_metadata(schema, lineage.record_as_metadata() | metadata)
    n_rows = parquet.write_parquet(parts, path, schema=rows.collect_schema(), metadata=all_metadata)
    _log_written(n_rows, path)


def _log_written(n_rows: int, path: str | Path) -> None:
    logger.info("wrote %d rows to %s", n_rows, path, extra={"counts": {"rows out": n_rows}})


def read_metadata(path: str | Path) -> dict[str, str]:
    """The metadata that this package wrote into a table, without the `nearkin.` in front."""
    items = parquet.read_metadata(path).items()
    return {key.removeprefix("nearkin."): value for key, value in items if key.startswith("nearkin.")}


def format_metadata(schema: type[dy.Schema], metadata: Mapping[str, object]) -> dict[str, str]:
    """The metadata of a table's file: format version, name of the declaration, and `metadata` as texts."""
    named = {"format": FORMAT_VERSION, "table": schema.__name__, **metadata}
    return {f"nearkin.{name}": str(value) for name, value in named.items()}


def validate(frame: pl.DataFrame, path: str | Path, schema: type[dy.Schema]) -> pl.DataFrame:
    """The table, if it is as declared. Raises ValueError naming `path` otherwise."""
    try:
        return schema.validate(frame)
    except (SchemaError, ValidationError) as error:
        first = str(error).split("\n\n")[0]
        raise ValueError(f"{path}: is not a {schema.__name__} table: {first}") from error
