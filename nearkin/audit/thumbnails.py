"""Small pictures of delivered images, as they are embedded in the page."""

import io
import logging
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import BinaryIO, TypedDict

from PIL import Image
from tqdm import tqdm

from nearkin.images.decode import ImageProblem, decode_rgb
from nearkin.sources.safe_paths import AnyPath, safe_opener

logger = logging.getLogger(__name__)

SIDE_PIXELS = 128
"""Pixels of the longer side."""

MAX_BYTES = 3_000_000
"""Of all pictures together, as they are embedded; those beyond are left out and say so."""


class Thumbnail(TypedDict):
    """A picture for the page, or why there is none."""

    source: str | None  # a data URL
    width: int | None
    height: int | None
    why: str | None


def make_thumbnails(
    images: Iterable[tuple[str, str | None, str | None, int]],
    folder: AnyPath,
    *,
    max_megapixels: float,
    trusted: Iterable[AnyPath] = (),
) -> dict[str, Thumbnail]:
    """By uuid, the picture of each image.

    `images` are rows of (uuid, path, problem, times), the most important first: `problem` is the error
    of the inspection; `times` is how often the page shows the image. Only files without a problem are
    opened, and only inside `folder`. What a picture keeps of its file is pixels: no EXIF, profile or text.
    """
    open_file = safe_opener(folder, trusted)
    pictures: dict[str, Thumbnail] = {}
    n_bytes = 0
    for uuid, path, problem, times in tqdm(images, unit="thumbnail", disable=None):
        if path is None:
            picture = _explain_missing("no file opened")
        elif problem:
            picture = _explain_missing(problem)
        elif n_bytes > MAX_BYTES:
            picture = _explain_missing("left out, to keep this page small")
        else:
            picture = _make_thumbnail(open_file, path, max_megapixels)
        n_bytes += times * len(picture["source"] or "")
        pictures[uuid] = picture
    n_pictures = sum(picture["source"] is not None for picture in pictures.values())
    logger.info("%d pictures of %d images, %d bytes", n_pictures, len(pictures), n_bytes)
    return pictures


def _make_thumbnail(open_file: Callable[[str], BinaryIO], path: str, max_megapixels: float) -> Thumbnail:
    try:
        with open_file(path) as file:
            image = decode_rgb(file, max_megapixels * 1e6)
    except ImageProblem as error:
        return _explain_missing(error.problem)
    except (OSError, ValueError):
        return _explain_missing("cannot be opened any more")
    image.thumbnail((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.LANCZOS, reducing_gap=2.0)
    bare = Image.new("RGB", image.size)
    bare.paste(image)  # `image` still carries the file's metadata
    file = io.BytesIO()
    bare.save(file, format="WEBP", quality=70)
    source = f"data:image/webp;base64,{b64encode(file.getvalue()).decode('ascii')}"
    return {"source": source, "width": bare.width, "height": bare.height, "why": None}


def _explain_missing(why: str) -> Thumbnail:
    return {"source": None, "width": None, "height": None, "why": why.replace("_", " ")}
