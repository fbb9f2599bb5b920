"""Reading and writing tables through their declarations.

A table is a Parquet file whose columns, types and keys are declared once, as a
`dataframely` schema in this package. A wrong column fails in the step that made it.
"""

import logging
from pathlib import Path

import polars as pl
from dataframely.exc import SchemaError, ValidationError

from nearkin.storage import lineage, parquet

logger = logging.getLogger(__name__)

FORMAT_VERSION = "1"


def read(path, schema, columns=None):
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


def read_all(paths, schema, columns=None):
    """The rows of all shards of a table, in the order of its key."""
    frame = pl.concat([read(path, schema, columns) for path in paths])
    key = [name for name in schema.primary_key() if name in frame.columns]
    return frame.sort(key) if key else frame


def read_if_current(path, schema, **metadata):
    """The table that an earlier run stamped with this `metadata`, or an empty one if none can be read."""
    if Path(path).exists():
        try:
            if stamps(schema, metadata).items() <= parquet.read_metadata(path).items():
                return read(path, schema)
        except (ValueError, pl.exceptions.PolarsError) as error:
            logger.warning("not reused: %s", error)
    return schema.create_empty()


def scan(paths, schema):
    """The rows of all shards of a table, to be read lazily; they are whole, and their types as declared."""
    declared = pl.Schema({name: column.dtype for name, column in schema.columns().items()})
    for path in paths:
        found = parquet.verify_checksums(path)
        wrong = [name for name, dtype in declared.items() if found.get(name) != dtype]
        if wrong:
            raise ValueError(f"{path}: is not a {schema.__name__} table: see column {wrong[0]!r}")
    rows = pl.scan_parquet(paths, glob=False)
    n_rows = rows.select(pl.len()).collect().item()  # said by the files' metadata
    logger.info("%d rows of %d files", n_rows, len(paths), extra={"counts": {"rows in": n_rows}})
    return rows


def write(frame, path, schema, **metadata):
    """Write a table, sorted by its key, whole or not at all.

    `metadata` (say `dataset` and `fingerprint`) is stamped into the file, and what the step was made from.
    """
    frame = frame.select(schema.column_names()).sort(schema.primary_key())
    frame = validate(frame, path, schema)
    stamped = stamps(schema, lineage.stamps() | metadata)
    _log_written(parquet.write_parquet([frame], path, schema=frame.schema, stamps=stamped), path)


def write_lazy(rows, path, schema, **metadata):
    """Write a lazy frame that comes in the order of its key, never all in memory."""
    rows = rows.select(schema.column_names())
    parts = rows.collect_batches(chunk_size=parquet.ROWS, maintain_order=True)
    stamped = stamps(schema, lineage.stamps() | metadata)
    _log_written(parquet.write_parquet(parts, path, schema=rows.collect_schema(), stamps=stamped), path)


def _log_written(n_rows, path):
    logger.info("wrote %d rows to %s", n_rows, path, extra={"counts": {"rows out": n_rows}})


def metadata(path):
    """What was stamped into a table, without the `nearkin.` in front."""
    found = parquet.read_metadata(path)
    return {key.removeprefix("nearkin."): value for key, value in found.items() if key.startswith("nearkin.")}


def stamps(schema, metadata):
    """What is stamped into a table: its declaration's name, and `metadata`."""
    own = {"format": FORMAT_VERSION, "table": schema.__name__}
    return {f"nearkin.{name}": str(value) for name, value in (own | metadata).items()}


def validate(frame, path, schema):
    """A table, if it is as declared; else ValueError, naming `path`."""
    try:
        return schema.validate(frame)
    except (SchemaError, ValidationError) as error:
        first = str(error).split("\n\n")[0]
        raise ValueError(f"{path}: is not a {schema.__name__} table: {first}") from error
