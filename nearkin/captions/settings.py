"""What the config sets of captions; no polars, since the driver reads it, too."""

from typing import TypedDict


class CaptionColumns(TypedDict):
    """Which columns of a table name the image and hold the caption."""

    image: str
    caption: str
