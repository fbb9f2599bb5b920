"""Untrusted image files, opened safely and decoded to RGB or grey."""

import io
import re
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, cast

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")
"""The formats that are opened. Other decoders of Pillow are never tried (EPS would start a program)."""

HEADER_BYTES = 512
"""Bytes at the start of a file that tell its format."""

SIGNATURES = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF.{4}WEBP|II\*\0|MM\0\*|GIF8|BM", re.DOTALL)
"""How files of these formats start."""

FOREIGN_SIGNATURES = {
    "HEIC": rb".{4}ftyp(hei|hev|mif1|msf1)",
    "AVIF": rb".{4}ftypavi[fs]",
    "video": rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ",
    "JPEG 2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "JPEG XL": rb"\0\0\0\x0cJXL |\xff\x0a",
    "Photoshop": rb"8BPS",
    "PDF": rb"%PDF",
    "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
    "ZIP archive": rb"PK\x03\x04",
    "gzip archive": rb"\x1f\x8b",
    "pointer of Git LFS": rb"version https://git-lfs",
    "SVG": rb"\s*(<\?xml.*)?(<!--.*)?<svg",
    "HTML": rb"\s*(<!--.*)?<(!doctype html|html|head|body)",
    "XML": rb"\s*<\?xml",
    "JSON": rb"\s*[\[{]\s*[\"\]}\[{]",
    "zero bytes": rb"\0+$",
}
"""How other files start that are delivered as images."""

PROBLEMS = ("empty", "truncated", "not_an_image", "too_many_pixels", "unreadable")
"""Why an image cannot be used."""

ImageData = str | Path | bytes | BinaryIO
"""An image file: its path, its bytes, or the open binary file at its start."""

FileName = str | Path | int
"""What an error calls a file: its path, or the number of a file that was opened without one."""

Converter = Callable[[Image.Image], Image.Image]

Draft = tuple[str | None, tuple[int, int] | None]
"""What a JPEG may be reduced to while it is decoded: mode, and least (width, height)."""


class ImageProblem(ValueError):
    """An image that cannot be used: `problem` is one of PROBLEMS, `detail` says what exactly is wrong."""

    def __init__(self, name: FileName, problem: str, detail: str) -> None:
        super().__init__(f"{name}: {problem}: {detail}")
        self.problem, self.detail = problem, detail


class Decoded(NamedTuple):
    """A decoded image, and the file's format, mode and EXIF orientation (1 to 8, or None)."""

    image: Image.Image
    format: str
    mode: str
    orientation: int | None


class _SilencedWarnings:
    """No warnings while any thread is inside: `catch_warnings` of several threads would mix up."""

    def __init__(self) -> None:
        self.lock, self.n_inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self.lock:
            if not self.n_inside:
                self.caught = warnings.catch_warnings(action="ignore")
                self.caught.__enter__()
            self.n_inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.lock:
            self.n_inside -= 1
            if not self.n_inside:
                self.caught.__exit__(kind, error, trace)


_quiet = _SilencedWarnings()


def decode_rgb(source: ImageData, max_pixels: float) -> Image.Image:
    """The image at `source` in RGB, 8 bits a channel, turned upright by its EXIF orientation.

    See `decode` for what is accepted and how other modes become RGB.
    """
    return decode(source, max_pixels).image


def decode_rgb_reduced(source: ImageData, max_pixels: float, *, side: int) -> Image.Image:
    """The same, but a large JPEG at a half, a quarter or an eighth of its size: the smallest that is enough.

    Its shorter side keeps at least `side` pixels. Other images, and JPEGs too small to be
    halved, are as from `decode_rgb`.
    """
    return _decode_file(source, max_pixels, _convert_to_rgb, draft=(None, (side, side))).image


def decode(source: ImageData, max_pixels: float) -> Decoded:
    """The image at `source` in RGB, with its format and its mode in the file.

    Only the first frame is read. An image that declares more than `max_pixels` (or than Pillow's own limit,
    179 million) is refused before any pixel is decoded. CMYK is converted without a profile,
    16 bits are scaled to 8, transparent pixels become white. Raises ImageProblem, which names
    the file and the defect; OSError only where the file cannot be opened.
    """
    return _decode_file(source, max_pixels, _convert_to_rgb)


def decode_gray(source: ImageData, max_pixels: float) -> Decoded:
    """The same in grey, mode L: the whole file is decoded, but a JPEG's colours are not computed."""
    return _decode_file(source, max_pixels, _convert_to_gray, draft=("L", None))


def _decode_file(
    source: ImageData, max_pixels: float, convert: Converter, draft: Draft | None = None
) -> Decoded:
    if isinstance(source, bytes):
        return _decode_opened(io.BytesIO(source), "image", max_pixels, convert, draft)
    if isinstance(source, str | Path):
        with open(source, "rb") as file:
            return _decode_opened(file, source, max_pixels, convert, draft)
    return _decode_opened(source, getattr(source, "name", "image"), max_pixels, convert, draft)


def _decode_opened(
    file: BinaryIO, name: FileName, max_pixels: float, convert: Converter, draft: Draft | None
) -> Decoded:
    start = file.read(HEADER_BYTES)
    if not start:
        raise ImageProblem(name, "empty", "0 bytes")
    file.seek(0)
    with _quiet:  # our own limit is the stricter one
        image = _open_image(file, name, start, max_pixels)
        kind, mode = cast(str, image.format), image.mode
        try:
            if draft and isinstance(image, JpegImageFile) and _is_evenly_sampled(image):
                image.draft(*draft)
            orientation = _read_orientation(image) if kind == "TIFF" else None  # loading turns it
            image.load()
            orientation = orientation or _read_orientation(image)
            decoded = Decoded(convert(_apply_orientation(image)), kind, mode, orientation)
        except MemoryError:
            raise
        except Exception as error:  # a decoder may raise anything on a crafted file
            raise ImageProblem(name, _classify_error(error), _format_error(error)) from error
    return decoded


def _open_image(file: BinaryIO, name: FileName, start: bytes, max_pixels: float) -> ImageFile.ImageFile:
    Image.init()  # so that every format of FORMATS is known
    try:
        image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        declared = re.findall(r"\d+", str(error))[0]
        detail = f"{declared} pixels declared, more than {int(max_pixels)}"
        raise ImageProblem(name, "too_many_pixels", detail) from error
    except UnidentifiedImageError as error:
        if SIGNATURES.match(start):
            problem = "truncated" if _is_truncated(file, start) else "unreadable"
            raise ImageProblem(name, problem, "its head is damaged or cut off") from error
        raise ImageProblem(name, "not_an_image", _describe_foreign_file(start)) from error
    except MemoryError:
        raise
    except Exception as error:
        problem = "truncated" if _is_truncated(file, start) else _classify_error(error)
        raise ImageProblem(name, problem, _format_error(error)) from error
    width, height = image.size
    if width * height > max_pixels:
        detail = f"{width} x {height} pixels declared, more than {int(max_pixels)}"
        raise ImageProblem(name, "too_many_pixels", detail)
    return image


def _describe_foreign_file(start: bytes) -> str:
    """What a file that is no image seems to be, and how it begins."""
    begins = f"begins with {start[:24]!r}"
    for kind, pattern in FOREIGN_SIGNATURES.items():
        if re.match(pattern, start, re.DOTALL | re.IGNORECASE):
            return f"{kind}; {begins}"
    return begins


def _is_truncated(file: BinaryIO, start: bytes) -> bool:
    """Whether a file ends in its header, or before the data that its header points to."""
    n_bytes = file.seek(0, io.SEEK_END)
    if start.startswith(b"RIFF"):
        return n_bytes < 8 + int.from_bytes(start[4:8], "little")
    if start.startswith((b"II", b"MM")):
        return n_bytes <= int.from_bytes(start[4:8], "little" if start.startswith(b"II") else "big")
    return n_bytes < HEADER_BYTES


def _classify_error(error: Exception) -> str:
    words = ("truncated", "broken data stream", "not enough data", "unexpected end")
    return "truncated" if any(word in str(error).lower() for word in words) else "unreadable"


def _format_error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _convert_to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_scale_to_8_bits(image)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _convert_to_gray(image: Image.Image) -> Image.Image:
    plain = image.mode == "L" and "transparency" not in image.info
    return image if plain else _convert_to_rgb(image).convert("L")


def _is_evenly_sampled(image: JpegImageFile) -> bool:
    """Whether a JPEG's colours could be computed; if not, it would only be readable in grey."""
    across, down = ([component[axis] for component in image.layer] for axis in (1, 2))
    return all(n and max(axis) % n == 0 for axis in (across, down) for n in axis)


def _read_orientation(image: Image.Image) -> int | None:
    with suppress(Exception):
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        return orientation if orientation in range(1, 9) else None


def _apply_orientation(image: Image.Image) -> Image.Image:
    with suppress(Exception):  # a garbled EXIF block does not spoil the pixels
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _scale_to_8_bits(image: Image.Image) -> np.ndarray:
    """Grey values scaled to 0..255: 16 bits by their full range, wider ones by the range of their values."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)
    low, high = values.min(), values.max()
    if image.mode.startswith("I;16"):
        low, high = 0, 65535
    elif low >= 0 and high <= 65535:
        low, high = 0, next(top for top in (1, 255, 65535) if high <= top)
    return np.rint((values - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
