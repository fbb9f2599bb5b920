"""Images decoded once for all encoders that see them alike: a store of uint8 pixels.

A store is an Arrow IPC file, memory-mapped for reading: one row per readable image with
`uuid`, `sha256` (of the file's bytes) and `pixels` (size x size x 3, uint8, RGB), sorted by
uuid. The geometry stands in the file's metadata.
"""

import bisect
import hashlib
import json
import logging
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from tqdm import tqdm

from nearkin.decode import ImageProblem, rgb
from nearkin.files import replacing
from nearkin.sources.contained import kind_of

logger = logging.getLogger(__name__)

FORMAT_VERSION = "1"
ROWS_AT_ONCE = 64  # images held in memory while a store is written
LONGEST = 32  # a strip longer than this many times its width is cut to its middle before it is resized
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def square(image, geometry):
    """The middle of an RGB image as an encoder sees it: uint8, (size, size, 3).

    The shorter side is resized to floor(size / crop), then the central square is cut out;
    the same pixels as timm's and torchvision's evaluation transforms give on PIL images.

    >>> square(Image.new("RGB", (60, 40), "red"), {"size": 2, "crop": 0.5, "interpolation": "bicubic"}).shape
    (2, 2, 3)
    """
    size = geometry["size"]
    image = _shortened(image)
    shorter = math.floor(size / geometry["crop"])
    longer = int(shorter * max(image.size) / min(image.size))
    wanted = (shorter, longer) if image.width <= image.height else (longer, shorter)
    if image.size != wanted:
        image = image.resize(wanted, FILTERS[geometry["interpolation"]])
    left, top = (int(round((side - size) / 2.0)) for side in image.size)
    return np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.uint8)


def write_pixels(inspection, path, *, folder, geometry, max_megapixels):
    """Write the store of the readable images of an inspection; returns (n_decoded, n_reused).

    `inspection` is an `Inspection` table; rows with a problem are left out. What a store
    already at `path` holds of the same bytes and geometry is copied, not decoded. Raises
    ValueError for an image that is not what was inspected or lies outside `folder`.
    """
    rows = inspection.filter(inspection["problem"].is_null()).sort("uuid")
    old = _reusable(path, geometry)
    n_reused = 0
    with replacing(path) as temporary:
        schema = _schema(geometry)
        with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            done = tqdm(total=len(rows), desc="decode", unit="image", disable=None)
            for part in rows.iter_slices(ROWS_AT_ONCE):
                block = np.empty((len(part), *_shape(geometry)), dtype=np.uint8)
                for i, row in enumerate(part.iter_rows(named=True)):
                    known = old.row_of(row["uuid"], row["sha256"]) if old else None
                    n_reused += known is not None
                    block[i] = (
                        _decoded(row, folder, geometry, max_megapixels) if known is None else old[known]
                    )
                    done.update()
                writer.write_batch(_batch(part, block, schema))
            done.close()
    logger.info(
        "decoded %d, reused %d, left out %d", len(rows) - n_reused, n_reused, len(inspection) - len(rows)
    )
    return len(rows) - n_reused, n_reused


class Pixels:
    """A store opened for reading: `uuids`, `sha256s`, `geometry`, and uint8 images by row.

    The file is memory-mapped, so only the images that are looked at are read.
    """

    def __init__(self, path):
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
            stamps = reader.schema.metadata or {}
            self.geometry = json.loads(stamps[b"nearkin.geometry"])
            version = stamps[b"nearkin.format"].decode()
            if version != FORMAT_VERSION or reader.schema != _schema(self.geometry):
                raise ValueError(f"format {version}, expected {FORMAT_VERSION}")
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise ValueError(f"{path}: not a whole pixel store: {error}; remove it and rerun") from error
        self.uuids = [name for batch in batches for name in batch["uuid"].to_pylist()]
        self.sha256s = [digest for batch in batches for digest in batch["sha256"].to_pylist()]
        self._blocks = [_images(batch, self.geometry) for batch in batches]
        self._starts = np.cumsum([0, *map(len, self._blocks)]).tolist()

    def __len__(self):
        return len(self.uuids)

    def __getitem__(self, row):
        """One image, (size, size, 3)."""
        block = bisect.bisect_right(self._starts, row) - 1
        return self._blocks[block][row - self._starts[block]]

    def take(self, rows):
        """Copies of some images, in this order: (n, size, size, 3)."""
        return (
            np.stack([self[row] for row in rows])
            if len(rows)
            else np.empty((0, *_shape(self.geometry)), "u1")
        )

    def row_of(self, uuid, sha256):
        """The row of an image with these bytes; None if it is not in the store."""
        row = bisect.bisect_left(self.uuids, uuid)
        same = row < len(self) and self.uuids[row] == uuid and self.sha256s[row] == sha256
        return row if same else None


def _shortened(image):
    shorter, longer = sorted(image.size)
    if longer <= LONGEST * shorter:
        return image
    middle, half = longer // 2, LONGEST * shorter // 2
    cut = (middle - half, 0, middle + half, image.height)
    return image.crop(cut if image.width > image.height else (0, cut[0], image.width, cut[2]))


def _decoded(row, folder, geometry, max_megapixels):
    path = Path(folder, row["path"])
    if kind_of(folder, path) == "outside":
        raise ValueError(f"{path}: lies outside the dataset's folder {folder}")
    try:
        same_size = path.stat().st_size == row["n_bytes"]
        data = path.read_bytes() if same_size else b""
    except OSError as error:
        raise ValueError(f"{path}: gone since inspection ({error}); rerun inspect_images") from error
    if not same_size or hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise ValueError(f"{path}: changed since inspection; rerun inspect_images")
    try:
        return square(rgb(data, max_megapixels * 1_000_000), geometry)
    except ImageProblem as error:
        raise ValueError(
            f"{path}: readable when inspected, but now {error.problem}: {error.detail}"
        ) from error


def _reusable(path, geometry):
    if not Path(path).exists():
        return None
    try:
        old = Pixels(path)
    except ValueError as error:
        logger.warning("not reused: %s", error)
        return None
    return old if old.geometry == geometry else None


def _shape(geometry):
    return geometry["size"], geometry["size"], 3


def _schema(geometry):
    stamps = {"nearkin.format": FORMAT_VERSION, "nearkin.geometry": json.dumps(geometry, sort_keys=True)}
    columns = [
        ("uuid", pa.string()),
        ("sha256", pa.string()),
        ("pixels", pa.binary(math.prod(_shape(geometry)))),
    ]
    return pa.schema(columns, metadata=stamps)


def _batch(part, block, schema):
    pixels = pa.FixedSizeBinaryArray.from_buffers(
        schema.field("pixels").type, len(part), [None, pa.py_buffer(block)]
    )
    columns = [pa.array(part[name].to_list(), pa.string()) for name in ("uuid", "sha256")]
    return pa.record_batch([*columns, pixels], schema=schema)


def _images(batch, geometry):
    values = np.frombuffer(batch["pixels"].buffers()[1], dtype=np.uint8)
    count = len(batch) * math.prod(_shape(geometry))
    return values[:count].reshape(len(batch), *_shape(geometry))
