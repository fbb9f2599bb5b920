"""Small pictures of delivered images, as they are embedded in the page."""

import io
import logging
from base64 import b64encode
from collections.abc import Iterable

from PIL import Image
from tqdm import tqdm

from nearkin.images.decode import ImageProblem, decode_rgb
from nearkin.sources.safe_paths import AnyPath, safe_opener

logger = logging.getLogger(__name__)

SIDE_PIXELS = 128
"""Pixels of the longer side."""

MAX_BYTES = 3_000_000
"""Of all pictures together, as they are embedded; those beyond are left out and say so."""


def make_thumbnails(
    images: Iterable[tuple], folder: AnyPath, *, max_megapixels: float, trusted: Iterable[AnyPath] = ()
) -> dict[str, dict]:
    """By uuid, the picture of each image: source, width, height, and why there is none.

    `images` are rows of (uuid, path, problem, times), the most important first: `error` is that
    of the inspection, or says why there is no file; `times` is how often the page shows it. Only
    files without a problem are opened, and only inside `folder`. What a picture keeps of its file
    is pixels: no EXIF, profile or text.
    """
    opened = safe_opener(folder, trusted)
    found, n_bytes = {}, 0
    for uuid, path, problem, times in tqdm(images, unit="thumbnail", disable=None):
        if problem is None and n_bytes > MAX_BYTES:
            problem = "left out, to keep this page small"
        picture = _explain_missing(problem) if problem else _make_thumbnail(opened, path, max_megapixels)
        n_bytes += times * len(picture["source"] or "")
        found[uuid] = picture
    n_pictures = sum(picture["source"] is not None for picture in found.values())
    logger.info("%d pictures of %d images, %d bytes", n_pictures, len(found), n_bytes)
    return found


def _make_thumbnail(opened, path, max_megapixels):
    try:
        with opened(path) as file:
            image = decode_rgb(file, max_megapixels * 1e6)
    except ImageProblem as error:
        return _explain_missing(error.problem)
    except (OSError, ValueError):
        return _explain_missing("cannot be opened any more")
    image.thumbnail((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.LANCZOS, reducing_gap=2.0)
    bare = Image.new("RGB", image.size)
    bare.paste(image)  # `image` still carries what the file said about itself
    file = io.BytesIO()
    bare.save(file, format="WEBP", quality=70)
    source = f"data:image/webp;base64,{b64encode(file.getvalue()).decode('ascii')}"
    return {"source": source, "width": bare.width, "height": bare.height, "why": None}


def _explain_missing(why):
    return {"source": None, "width": None, "height": None, "why": why.replace("_", " ")}
