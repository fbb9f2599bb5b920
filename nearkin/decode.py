"""An untrusted image file, opened safely and read as RGB."""

import io
import re
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")
"""What is opened at all. Other decoders of Pillow are never tried (EPS would start a program)."""

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\0", b"MM\0*", b"GIF8", b"BM")
"""How files of these formats begin."""

PROBLEMS = ("empty", "truncated", "not_an_image", "too_many_pixels", "unreadable")
"""Why an image cannot be used."""


class ImageProblem(ValueError):
    """An image that cannot be used: `problem` is one of PROBLEMS, `detail` says what was found."""

    def __init__(self, name, problem, detail):
        super().__init__(f"{name}: {problem}: {detail}")
        self.problem, self.detail = problem, detail


class Decoded(NamedTuple):
    """A decoded image: RGB pixels, and what the file was before."""

    image: Image.Image
    format: str
    mode: str


def rgb(source, max_pixels):
    """The image at `source` in RGB, 8 bits a channel, turned as its EXIF says.

    See `decode` for what is accepted and how other modes become RGB.
    """
    return decode(source, max_pixels).image


def decode(source, max_pixels):
    """The image at `source` in RGB, with its format and its mode in the file.

    `source` is a path, the bytes of a file, or a binary file at its start. Only the first
    frame is read. An image that declares more than `max_pixels` (or than Pillow's own limit,
    179 million) is refused before any pixel is decoded. CMYK is converted without a profile,
    16 bits are scaled to 8, what is transparent shows white. Raises ImageProblem, which names
    the file and the defect; OSError only where the file cannot be opened.
    """
    if isinstance(source, bytes):
        return _decode(io.BytesIO(source), "image", max_pixels)
    if hasattr(source, "read"):
        return _decode(source, getattr(source, "name", "image"), max_pixels)
    with open(source, "rb") as file:
        return _decode(file, source, max_pixels)


def _decode(file, name, max_pixels):
    start = file.read(512)
    if not start:
        raise ImageProblem(name, "empty", "0 bytes")
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our own limit is the stricter one
        image = _open(file, name, start, max_pixels)
        try:
            image.load()
            decoded = Decoded(_as_rgb(_turned(image)), image.format, image.mode)
        except MemoryError:
            raise
        except Exception as error:  # a decoder may raise anything on a crafted file
            raise ImageProblem(name, _cut_or_unreadable(error), _said(error)) from error
    return decoded


def _open(file, name, start, max_pixels):
    Image.init()  # so that every format of FORMATS is known
    try:
        image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        declared = re.search(r"\d+", str(error))[0]
        detail = f"{declared} pixels declared, more than {int(max_pixels)}"
        raise ImageProblem(name, "too_many_pixels", detail) from error
    except UnidentifiedImageError as error:
        if start.startswith(SIGNATURES):
            raise ImageProblem(name, "truncated", "its head is damaged or cut off") from error
        raise ImageProblem(name, "not_an_image", f"begins with {start[:24]!r}") from error
    except MemoryError:
        raise
    except Exception as error:
        raise ImageProblem(name, _cut_or_unreadable(error), _said(error)) from error
    width, height = image.size
    if width * height > max_pixels:
        detail = f"{width} x {height} pixels declared, more than {int(max_pixels)}"
        raise ImageProblem(name, "too_many_pixels", detail)
    return image


def _cut_or_unreadable(error):
    words = ("truncated", "broken data stream", "not enough data", "unexpected end")
    return "truncated" if any(word in str(error).lower() for word in words) else "unreadable"


def _said(error):
    return f"{type(error).__name__}: {error}"[:200]


def _turned(image):
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a garbled EXIF block does not spoil the pixels
        return image


def _as_rgb(image):
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(image)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image):
    """Grey values scaled to 0..255: 16 bits by their full range, wider ones by what they hold."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)
    low, high = values.min(), values.max()
    if image.mode.startswith("I;16"):
        low, high = 0, 65535
    elif low >= 0 and high <= 65535:
        low, high = 0, next(top for top in (1, 255, 65535) if high <= top)
    return np.rint((values - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
