"""Shards of embeddings on disk: written and read part by part, every value checked by a digest.

A shard is a Parquet file of `uuid`, `sha256` and `emb` in the order of `uuid`, which any
reader of Parquet opens. Its metadata holds a sha256 of all that was written, so that this module
notices a single flipped bit when it reads the file.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nearkin.images.source import ImageSource
from nearkin.storage import lineage, tables
from nearkin.storage.atomic import DamagedError, atomic_path, read_error
from nearkin.tables.embeddings import make_embeddings_schema

logger = logging.getLogger(__name__)

ROW_GROUP_ROWS = 1024
"""Rows of a part, which is a row group: some megabytes, in memory while they are written or read."""

RERUN_HINT = "remove it and shards.json next to it, and rerun"


def write_shard(parts: Iterable[pl.DataFrame], path: str | Path, *, width: int, **metadata: object) -> None:
    """Write a shard from tables that follow each other in the order of `uuid`, whole or not at all.

    The file's metadata are `metadata`, as texts, and the step's lineage. Raises OSError naming the file
    if the disk is full.
    """
    schema = make_embeddings_schema(width)
    all_metadata = tables.format_metadata(schema, lineage.record_as_metadata() | metadata)
    digest, contents, n_rows, last = Digest(all_metadata), [lineage.NO_ROWS], 0, ""
    options = {"compression": "zstd", "use_dictionary": False}
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, _make_schema(width), **options) as writer,
    ):
        for part in parts:
            part = tables.validate(part, path, schema).select(schema.column_names())
            if len(part) and not (part["uuid"].is_sorted() and last < part["uuid"][0]):
                raise ValueError(f"{path}: embeddings are not in the order of their uuids")
            writer.write_table(part.to_arrow().cast(_make_schema(width)), row_group_size=ROW_GROUP_ROWS)
            digest.add(part)
            contents.append(lineage.content_digest([part]))
            n_rows, last = n_rows + len(part), part["uuid"][-1] if len(part) else last
        own = {"nearkin.digest": digest.hexdigest(), lineage.CONTENT: lineage.add_digests(contents)}
        writer.add_key_value_metadata(all_metadata | own)
    logger.info("wrote %d rows to %s", n_rows, path, extra={"counts": {"rows out": n_rows}})


def iter_row_groups(path: str | Path) -> Iterator[pl.DataFrame]:
    """The tables of a shard's row groups, in order; one without rows for an empty shard.

    Raises ValueError naming the file if it cannot be read, or, after the last part, if any
    value is not what was written.
    """
    try:
        with pq.ParquetFile(path) as file:
            metadata = _read_metadata(file)
            expected = metadata.pop("nearkin.digest", None)
            metadata.pop(lineage.CONTENT, None)
            digest = Digest(metadata)
            groups = map(file.read_row_group, range(file.num_row_groups))
            for group in groups if file.num_row_groups else [file.schema_arrow.empty_table()]:
                part = _to_frame(group)
                digest.add(part)
                yield part
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError, TypeError) as error:
        raise read_error(path, f"cannot be read as embeddings: {error}; {RERUN_HINT}", error) from error
    if digest.hexdigest() != expected:
        raise DamagedError(path, f"damaged: its values are not those that were written; {RERUN_HINT}")


class ExistingShard:
    """A shard whose rows are reused: only its keys are in memory."""

    def __init__(self, path: str | Path) -> None:
        """Raises ValueError if the file is damaged."""
        self._keys = pl.concat([part.select("uuid", "sha256") for part in iter_row_groups(path)])
        self._file = pq.ParquetFile(path)
        counts = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
        self._starts = np.cumsum([0, *counts])

    def find_rows(self, pixels: ImageSource) -> np.ndarray:
        """The row of each image of a source of pixels, if it has the same bytes; else -1."""
        images = pl.DataFrame({"uuid": pixels.uuids, "sha256": pixels.sha256s}, schema=self._keys.schema)
        joined = images.join(
            self._keys.with_row_index("row"), on=["uuid", "sha256"], how="left", maintain_order="left"
        )
        return joined["row"].cast(pl.Int64).fill_null(-1).to_numpy()

    def read_vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of some rows, which are ascending: float32, (n, width)."""
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        parts = []
        for group in np.unique(groups):
            block = _to_frame(self._file.read_row_group(group, columns=["emb"]))["emb"].to_numpy()
            parts.append(block[rows[groups == group] - self._starts[group]])
        return np.concatenate(parts)


class Digest:
    """A sha256 of metadata and rows that does not depend on how the rows are split into parts."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        self._metadata = json.dumps(metadata, sort_keys=True)
        self._columns = {name: hashlib.sha256() for name in ("uuid", "sha256", "emb")}

    def add(self, part: pl.DataFrame) -> None:
        """Add the next rows."""
        for name in ("uuid", "sha256"):
            self._columns[name].update("".join(f"{value}\n" for value in part[name]).encode())
        self._columns["emb"].update(np.ascontiguousarray(part["emb"].to_numpy()).data)

    def hexdigest(self) -> str:
        """The digest so far, in hexadecimal."""
        columns = {name: digest.hexdigest() for name, digest in self._columns.items()}
        return hashlib.sha256(f"{self._metadata} {json.dumps(columns)}".encode()).hexdigest()


def _to_frame(table: pa.Table) -> pl.DataFrame:
    return cast(pl.DataFrame, pl.from_arrow(table))


def _make_schema(width: int) -> pa.Schema:
    vector = pa.list_(pa.field("item", pa.float32()), width)
    return pa.schema([("uuid", pa.string()), ("sha256", pa.string()), ("emb", vector)])


def _read_metadata(file: pq.ParquetFile) -> dict[str, str]:
    """The metadata that this package wrote, without those of other libraries."""
    metadata = {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}
    return {key: value for key, value in metadata.items() if key.startswith("nearkin.")}
