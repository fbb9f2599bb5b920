"""What every source of decoded images offers, whether it holds the pixels or decodes the files."""

from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, Protocol, TypedDict

import numpy as np
import polars as pl

from nearkin.images.settings import Geometry

Rows = Sequence[int] | np.ndarray
"""Rows of a source; an array has one dimension, of integers."""


class Preprocessing(TypedDict):
    """How image files are found and decoded: see `nearkin.images.reader.ImageFileReader`."""

    folder: str | Path
    trusted: NotRequired[Sequence[str | Path]]
    geometry: Geometry
    decode: str
    max_megapixels: float


class ImageSource(Protocol):
    """Images by row, sorted by uuid: uint8 RGB of one geometry."""

    @property
    def uuids(self) -> Sequence[str] | pl.Series: ...

    @property
    def sha256s(self) -> Sequence[str] | pl.Series: ...

    @property
    def geometry(self) -> Geometry: ...

    @property
    def decode(self) -> str:
        """How files become pixels: exact, or fast."""
        ...

    @property
    def pillow(self) -> str:
        """The version of Pillow that decoded them."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> np.ndarray:
        """One image, (size, size, 3)."""
        ...

    def read_batch(self, rows: Rows) -> np.ndarray:
        """Some images, in this order: (n, size, size, 3)."""
        ...
