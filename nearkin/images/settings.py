"""What the config sets of pixels; no polars, since the driver reads it, too."""

from typing import TypedDict


class Geometry(TypedDict):
    """How an image becomes a square: see `nearkin.images.reader.resize_and_crop`."""

    size: int
    crop_pct: float
    interpolation: str
