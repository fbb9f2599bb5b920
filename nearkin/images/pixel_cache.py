"""Images decoded once for all encoders that see them alike: a store of uint8 pixels.

A store is an Arrow IPC file, memory-mapped for reading: one row per readable image with
`uuid`, `sha256` (of the file's bytes), `pixels` (size x size x 3, uint8, RGB) and their
`crc32`, sorted by uuid. The file's metadata has geometry and decoder, and a checksum of all but
the pixels.
"""

import bisect
import json
import logging
import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from tqdm import tqdm

from nearkin.images.reader import ImageFileReader, image_shape
from nearkin.images.settings import Geometry
from nearkin.images.source import ImageSource, Preprocessing, Rows
from nearkin.storage import tables
from nearkin.storage.atomic import DamagedError, atomic_path, read_error
from nearkin.tables.images import Inspection

logger = logging.getLogger(__name__)

FORMAT_VERSION = "3"
CHUNK_ROWS = 64  # images held in memory while a store is written


def open_sources(
    store_paths: Sequence[str | Path],
    inspection_paths: Sequence[str | Path],
    *,
    preprocessing: Preprocessing,
    n_threads: int,
) -> list[ImageSource]:
    """The sources of the pixels of some shards: their stores, or their image files where there is none.

    `store_paths` is empty, or goes with `inspection_paths`; an emptied store counts as none. The shards
    without a store come as one source. Both kinds are read alike: see `PixelCache`, and `ImageFileReader`
    for `preprocessing` and `n_threads`.
    """
    sources: list[ImageSource] = []
    without_store = []
    for store_path, inspection_path in zip(
        store_paths or [None] * len(inspection_paths), inspection_paths, strict=True
    ):
        if store_path and os.path.getsize(store_path):
            store = PixelCache(store_path)
            _check_inspected(store, inspection_path)
            sources.append(store)
        else:
            without_store.append(inspection_path)
    if without_store:
        columns = ["uuid", "path", "error", "n_bytes", "sha256"]
        rows = tables.read_all(without_store, Inspection, columns=columns)
        sources.append(ImageFileReader(rows, preprocessing=preprocessing, n_threads=n_threads))
        logger.info("%d images are decoded at every access", len(sources[-1]))
    return sources


def _check_inspected(store: "PixelCache", inspection_path: str | Path) -> None:
    """Raises DamagedError unless a store has exactly the images that an inspection found readable."""
    rows = tables.read(inspection_path, Inspection, columns=["uuid", "error", "sha256"])
    rows = rows.filter(rows["error"].is_null()).sort("uuid")
    if (store.uuids, store.sha256s) != (rows["uuid"].to_list(), rows["sha256"].to_list()):
        raise DamagedError(store.path, f"does not hold the images of {inspection_path}; remove it and rerun")


def write_cache(
    inspection: pl.DataFrame,
    path: str | Path,
    *,
    earlier_path: str | Path,
    preprocessing: Preprocessing,
    n_threads: int,
) -> tuple[int, int]:
    """Write the store of the readable images of an inspection; returns (n_decoded, n_reused).

    The images are those of `ImageFileReader`, which takes the same `preprocessing` and `n_threads`.
    Images are copied from the earlier store at the path `earlier_path` if their bytes, the preprocessing and
    the version of Pillow are the same.
    """
    reader = ImageFileReader(inspection, preprocessing=preprocessing, n_threads=n_threads)
    old = _open_reusable(earlier_path, reader)
    keys = zip(reader.uuids, reader.sha256s, strict=True)
    old_rows = [old.find_row(uuid, sha256) if old else None for uuid, sha256 in keys]
    missing = [row for row, old_row in enumerate(old_rows) if old_row is None]
    decoded = reader.iter_images(missing, ahead=CHUNK_ROWS)
    with atomic_path(path) as temporary:
        schema = _make_schema(reader)
        with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            progress = tqdm(total=len(reader), desc="decode", unit="image", disable=None)
            for start in range(0, len(reader), CHUNK_ROWS):
                rows = range(start, min(start + CHUNK_ROWS, len(reader)))
                block = np.empty((len(rows), *image_shape(reader.geometry)), dtype=np.uint8)
                for i, row in enumerate(rows):
                    old_row = old_rows[row]
                    block[i] = next(decoded) if old is None or old_row is None else old[old_row]
                    progress.update()
                writer.write_batch(_make_batch(reader, rows, block, schema))
            progress.close()
    n_new, n_reused, n_left_out = len(missing), len(reader) - len(missing), len(inspection) - len(reader)
    counts = {"images decoded": n_new, "reused": n_reused, "left out": n_left_out}
    logger.info("decoded %d, reused %d, left out %d", n_new, n_reused, n_left_out, extra={"counts": counts})
    return n_new, n_reused


class PixelCache:
    """A store opened for reading: `uuids`, `sha256s`, `geometry`, `decode`, and uint8 images by row.

    The file is memory-mapped, so only the images that are used are read. Raises ValueError, naming
    the file, if it is incomplete, and when an image is not what was written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.geometry: Geometry
        self.uuids: list[str]
        self.sha256s: list[str]
        self._checksums: list[int]
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            metadata = {key.decode(): value.decode() for key, value in (reader.schema.metadata or {}).items()}
            if metadata.get("nearkin.format") != FORMAT_VERSION:
                raise ValueError(f"format {metadata.get('nearkin.format')}, expected {FORMAT_VERSION}")
            self.geometry = json.loads(metadata["nearkin.geometry"])
            self.decode, self.pillow = metadata["nearkin.decode"], metadata["nearkin.pillow"]
            batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
            for batch in batches:
                batch.validate(full=True)
            self.uuids, self.sha256s, self._checksums = (
                [value for batch in batches for value in batch[name].to_pylist()]
                for name in ("uuid", "sha256", "crc32")
            )
            if not reader.schema.equals(_make_schema(self), check_metadata=True):
                raise ValueError("damaged")
            self._blocks = [_to_images(batch, self.geometry) for batch in batches]
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise read_error(path, f"not a whole pixel store: {error}; remove it and rerun", error) from error
        self._starts = np.cumsum([0, *map(len, self._blocks)]).tolist()

    def __len__(self) -> int:
        return len(self.uuids)

    def __getitem__(self, row: int) -> np.ndarray:
        """One image, (size, size, 3)."""
        block = bisect.bisect_right(self._starts, row) - 1
        image = self._blocks[block][row - self._starts[block]]
        if zlib.crc32(image.data) != self._checksums[row]:
            raise DamagedError(self.path, f"image {self.uuids[row]} is damaged; remove the file and rerun")
        return image

    def read_batch(self, rows: Rows) -> np.ndarray:
        """Copies of some images, in this order: (n, size, size, 3)."""
        images = np.empty((len(rows), *image_shape(self.geometry)), dtype=np.uint8)
        for i, row in enumerate(rows):
            images[i] = self[row]
        return images

    def find_row(self, uuid: str, sha256: str) -> int | None:
        """The row of an image with these bytes; None if it is not in the store."""
        row = bisect.bisect_left(self.uuids, uuid)
        is_same = row < len(self) and self.uuids[row] == uuid and self.sha256s[row] == sha256
        return row if is_same else None

    def check(self) -> None:
        """Raises ValueError if any image is damaged."""
        for row in range(len(self)):
            self[row]


def _open_reusable(path: str | Path, source: ImageSource) -> PixelCache | None:
    """The earlier store at `path`, if it is whole and its images were decoded as those of `source` are."""
    if not Path(path).exists():
        return None
    try:
        old = PixelCache(path)
        if (old.geometry, old.decode, old.pillow) != (source.geometry, source.decode, source.pillow):
            return None
        old.check()
    except ValueError as error:
        logger.warning("not reused: %s", error)
        return None
    return old


def _make_schema(source: ImageSource) -> pa.Schema:
    """The columns of the store of a source of pixels, and its metadata."""
    geometry = json.dumps(source.geometry, sort_keys=True)
    metadata = {"nearkin.format": FORMAT_VERSION, "nearkin.geometry": geometry}
    metadata |= {"nearkin.decode": source.decode, "nearkin.pillow": source.pillow}
    content = "\n".join([geometry, source.decode, *source.uuids, *source.sha256s])
    metadata["nearkin.crc32"] = str(zlib.crc32(content.encode()))
    fields = [("uuid", pa.string()), ("sha256", pa.string()), ("crc32", pa.uint32())]
    fields.append(("pixels", pa.binary(math.prod(image_shape(source.geometry)))))
    return pa.schema(fields, metadata=metadata)


def _make_batch(source: ImageSource, rows: range, block: np.ndarray, schema: pa.Schema) -> pa.RecordBatch:
    """Some `rows` of a source; `block` has their images, (n, size, size, 3)."""
    part = slice(rows.start, rows.stop)
    pixels = pa.FixedSizeBinaryArray.from_buffers(
        schema.field("pixels").type, len(rows), [None, pa.py_buffer(block)]
    )
    columns = [list(source.uuids[part]), list(source.sha256s[part]), [zlib.crc32(image) for image in block]]
    return pa.record_batch([*columns, pixels], schema=schema)


def _to_images(batch: pa.RecordBatch, geometry: Geometry) -> np.ndarray:
    """The images of a batch, without copying them: (n, size, size, 3)."""
    values = np.frombuffer(batch["pixels"].buffers()[1], dtype=np.uint8)
    count = len(batch) * math.prod(image_shape(geometry))
    return values[:count].reshape(len(batch), *image_shape(geometry))
