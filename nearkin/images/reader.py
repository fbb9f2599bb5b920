"""The image files of an inspection, as an encoder sees them: decoded in threads on demand."""

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL
import polars as pl
from PIL import Image

from nearkin.images.decode import ImageProblem, decode_rgb, decode_rgb_reduced
from nearkin.images.settings import Geometry
from nearkin.images.source import Preprocessing, Rows
from nearkin.runtime.prefetch import thread_map_ordered
from nearkin.sources.safe_paths import classify_path, raise_if_unreadable

MAX_ASPECT = 32  # a strip longer than this many times its width is cut to its middle before it is resized
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
MAX_CACHED_BLOCKS = 128  # of a megabyte, for the next image: with new memory a large one takes a third longer

MIN_REDUCED_RATIO = 2  # times the resized shorter side; at 1, three times as many neighbours change


def resize_and_crop(image: Image.Image, geometry: Geometry) -> np.ndarray:
    """The middle of an RGB image as an encoder sees it: uint8, (size, size, 3).

    The shorter side is resized to floor(size / crop_pct), then the central square is cut out;
    the same pixels as timm's and torchvision's evaluation transforms give on PIL images.

    >>> geometry = {"size": 2, "crop_pct": 0.5, "interpolation": "bicubic"}
    >>> resize_and_crop(Image.new("RGB", (60, 40), "red"), geometry).shape
    (2, 2, 3)
    """
    size, shorter = geometry["size"], _shorter_side(geometry)
    image = _limit_aspect(image)
    longer = int(shorter * max(image.size) / min(image.size))
    resized = (shorter, longer) if image.width <= image.height else (longer, shorter)
    if image.size != resized:
        image = image.resize(resized, FILTERS[geometry["interpolation"]])
    left, top = (int(round((side - size) / 2.0)) for side in image.size)
    return np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.uint8)


class ImageFileReader:
    """The readable images of an inspection: `uuids`, `sha256s`, `geometry`, `decode`, uint8 images by row.

    `pillow` is the version that decodes them.

    Rows are sorted by uuid; those with a problem are left out. `preprocessing` has `folder`, where the
    paths begin; `trusted`, folders that its links may lead to, if there are any; `geometry`; `decode`,
    exact, or fast for large JPEGs that are scaled while they are decoded, to no less than twice the
    side that they are resized to; and `max_megapixels`. An image is read at every access, several at
    once in `n_threads` threads; the pixels never depend on their number. Raises ValueError, naming the
    file, for an image that changed since its inspection or lies outside `folder`.
    """

    def __init__(self, inspection: pl.DataFrame, *, preprocessing: Preprocessing, n_threads: int) -> None:
        rows = inspection.filter(inspection["error"].is_null()).sort("uuid")
        self.uuids, self.sha256s = rows["uuid"], rows["sha256"]  # a third less memory than lists
        self.geometry, self.decode = preprocessing["geometry"], preprocessing["decode"]
        self.pillow = PIL.__version__
        self._files = rows.select("path", "n_bytes", "sha256")
        self._folder, self._max_pixels = preprocessing["folder"], preprocessing["max_megapixels"] * 1_000_000
        self._trusted = tuple(preprocessing.get("trusted", ()))
        self._n_threads = n_threads
        Image.core.set_block_size(2**20)
        Image.core.set_blocks_max(MAX_CACHED_BLOCKS)

    def __len__(self) -> int:
        return len(self.uuids)

    def __getitem__(self, row: int) -> np.ndarray:
        """One image, (size, size, 3)."""
        name, n_bytes, sha256 = self._files.row(row)
        path = Path(self._folder, name)
        data = self._read_unchanged(path, n_bytes, sha256)
        try:
            return resize_and_crop(self._decode(data), self.geometry)
        except ImageProblem as error:
            raise ValueError(
                f"{path}: readable when inspected, but now {error.problem}: {error.detail}"
            ) from error

    def read_batch(self, rows: Rows) -> np.ndarray:
        """Some images, in this order: (n, size, size, 3)."""
        images = np.empty((len(rows), *image_shape(self.geometry)), dtype=np.uint8)
        for i, image in enumerate(self.iter_images(rows, ahead=len(rows))):
            images[i] = image
        return images

    def iter_images(self, rows: Rows, *, ahead: int) -> Iterator[np.ndarray]:
        """The images of `rows` in this order, up to `ahead` of them read in advance."""
        # Threads are enough: Pillow decodes and resizes without Python's lock, and processes were no faster.
        return thread_map_ordered(self.__getitem__, rows, n_threads=self._n_threads, n_ahead=ahead)

    def _read_unchanged(self, path: Path, n_bytes: int, sha256: str) -> bytes:
        """The bytes of a file. Raises ValueError if they are not those of its inspection."""
        if classify_path(self._folder, path, self._trusted) == "outside":
            raise ValueError(f"{path}: lies outside the dataset's folder {self._folder}")
        try:
            with raise_if_unreadable(path):
                same_size = path.stat().st_size == n_bytes
                data = path.read_bytes() if same_size else b""
        except OSError as error:
            raise ValueError(f"{path}: gone since inspection ({error}); rerun inspect_images") from error
        if not same_size or hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"{path}: changed since inspection; rerun inspect_images")
        return data

    def _decode(self, data: bytes) -> Image.Image:
        if self.decode == "fast":
            return decode_rgb_reduced(
                data, self._max_pixels, side=MIN_REDUCED_RATIO * _shorter_side(self.geometry)
            )
        return decode_rgb(data, self._max_pixels)


def image_shape(geometry: Geometry) -> tuple[int, int, int]:
    """The shape of an image after `resize_and_crop`: (size, size, 3)."""
    return geometry["size"], geometry["size"], 3


def _shorter_side(geometry: Geometry) -> int:
    """The shorter side after resizing, in pixels."""
    return math.floor(geometry["size"] / geometry["crop_pct"])


def _limit_aspect(image: Image.Image) -> Image.Image:
    """The image, or the middle of one that is longer than MAX_ASPECT times its width."""
    shorter, longer = sorted(image.size)
    if longer <= MAX_ASPECT * shorter:
        return image
    middle, half = longer // 2, MAX_ASPECT * shorter // 2
    cut = (middle - half, 0, middle + half, image.height)
    return image.crop(cut if image.width > image.height else (0, cut[0], image.width, cut[2]))
