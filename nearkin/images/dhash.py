"""Small grey copies of images and their hashes, by which near duplicates are found.

Small on purpose: the inspection imports it, and a change here inspects every image again.
"""

import functools

import numpy as np
import polars as pl
import pyarrow as pa
from PIL import Image

from nearkin.tables.images import THUMBNAIL_SIDE as SIDE

VERSION = "1"
"""Goes up when the same image would get another thumbnail."""

CENTRE_MARGIN = 0.0625
SIDE_CROP = 0.09375

UNCROPPED_VIEWS = ("mirrored", "rotated_90", "rotated_180")

CROPS = {
    "whole": (0, 0, 0, 0),
    "middle": (CENTRE_MARGIN, CENTRE_MARGIN, CENTRE_MARGIN, CENTRE_MARGIN),
    "crop_left": (SIDE_CROP, 0, 0, 0),
    "crop_top": (0, SIDE_CROP, 0, 0),
    "crop_right": (0, 0, SIDE_CROP, 0),
    "crop_bottom": (0, 0, 0, SIDE_CROP),
} | dict.fromkeys(UNCROPPED_VIEWS, (0, 0, 0, 0))
"""Views of an image that another image may show: shares cut off left, top, right and bottom.

A view of one image is compared with the whole of the other. An image turned by 270 degrees is
found by turning the other one by 90.
"""

FLAT_RANGE = 0.5
"""Grey levels (of 255) by which flat areas count as rising to the middle, so that noise decides no bits."""


def make_thumbnail(image: Image.Image) -> bytes:
    """The bytes of a grey image (mode L) reduced to SIDE x SIDE, row by row."""
    across, down = (max(1, 3 * side // (4 * SIDE)) for side in image.size)
    if max(across, down) > 1:  # by whole numbers first, which is cheap
        image = image.reduce((across, down))
    return image.resize((SIDE, SIDE), Image.Resampling.BICUBIC).tobytes()


def to_array(thumbnails: pl.Series) -> np.ndarray:
    """A binary series of thumbnails, none of them null, as one array: uint8, (n, SIDE, SIDE)."""
    content = thumbnails.rechunk().to_arrow().cast(pa.binary(SIDE * SIDE)).buffers()[1]
    return np.frombuffer(content or b"", dtype=np.uint8).reshape(len(thumbnails), SIDE, SIDE)


def transform_view(thumbnails: np.ndarray, view: str) -> np.ndarray:
    """Thumbnails, (n, SIDE, SIDE), mirrored or turned as in a view; its crop is not applied."""
    if view == "mirrored":
        return thumbnails[:, :, ::-1]
    if view.startswith("rotated"):
        return np.rot90(thumbnails, int(view.removeprefix("rotated_")) // 90, axes=(1, 2))
    return thumbnails


def compute_dhash(thumbnails: np.ndarray, view: str) -> np.ndarray:
    """64-bit difference hashes of a view of thumbnails: uint64, (n,).

    A bit per pair of horizontal neighbours among 8 x 9 means: does it grow brighter to the right?
    Source: the difference hash of N. Krawetz, here with means of areas, and with FLAT_RANGE.
    """
    left, top, right, bottom = CROPS[view]
    rows, columns = _make_averaging_matrix(top, bottom, 8), _make_averaging_matrix(left, right, 9)
    means = rows @ transform_view(thumbnails, view) @ columns.T
    means = means.round(6)  # the order of a sum decides nothing
    rising = np.where(np.arange(8) < 4, FLAT_RANGE, -FLAT_RANGE)
    bits = (np.diff(means, axis=2) + rising > 0).reshape(len(thumbnails), 64)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


@functools.cache
def _make_averaging_matrix(before: float, after: float, n: int) -> np.ndarray:
    """Weights of the means of `n` equal parts of a line of pixels, without shares at its ends: (n, SIDE)."""
    edges = np.linspace(before * SIDE, (1 - after) * SIDE, n + 1)
    pixels = np.arange(SIDE)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(covered, 0, None) / np.diff(edges)[:, None]
