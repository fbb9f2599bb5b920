"""Pictures as file bytes: intact ones, and those that a delivery damages."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

JPEG_QUALITY = 88


def encode(picture: Image.Image, path: str, treatment: str = "") -> tuple[bytes, str]:
    """The bytes of a picture for the extension of its path and a treatment, and a note on them.

    Fixed encoder settings and no times: the same picture gives the same bytes.
    """
    picture = _apply_treatment(picture, treatment)
    extension = path.rsplit(".", 1)[1].lower()
    options: dict[str, Image.Exif] = {}
    if treatment == "turned by EXIF":
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[0x0112] = 6  # orientation: turn clockwise to see it upright
        options["exif"] = exif
    target = io.BytesIO()
    if extension == "png":
        picture.save(target, "PNG", compress_level=3, **options)
    else:
        quality = 60 if treatment.endswith("quality 60") else JPEG_QUALITY
        picture.save(target, "JPEG", quality=quality, subsampling=2, optimize=False, **options)
    data = target.getvalue()
    if treatment == "truncated":
        head = data.index(b"IDAT" if extension == "png" else b"\xff\xda")  # stays, however small the picture
        rest = data[: head + (len(data) - head) * 45 // 100]
        return rest, f"{len(rest)} of {len(data)} bytes"
    return data, ""


def _apply_treatment(picture: Image.Image, treatment: str) -> Image.Image:
    width, height = picture.size
    if treatment.startswith("size 90%"):
        return picture.resize((width * 9 // 10, height * 9 // 10), Image.Resampling.BICUBIC)
    if treatment == "quality 60":  # a PNG keeps the traces of the compression
        target = io.BytesIO()
        picture.save(target, "JPEG", quality=60, subsampling=2)
        return Image.open(io.BytesIO(target.getvalue())).convert("RGB")
    if treatment == "3% cut from each side":
        x, y = round(width * 0.03), round(height * 0.03)
        return picture.crop((x, y, width - x, height - y))
    if treatment == "CMYK":
        return picture.convert("CMYK")
    if treatment == "palette with transparency":
        palette = picture.quantize(128, method=Image.Quantize.MEDIANCUT)
        palette.info["transparency"] = 0
        return palette
    if treatment == "16-bit grey":
        grey = np.asarray(picture.convert("L"), dtype=np.uint16)
        return Image.fromarray(grey * 257)
    return picture


def encode_non_picture(treatment: str, name: str) -> bytes:
    """The bytes of a file that holds no picture: empty, a web page, a text, a decompression bomb."""
    if treatment == "empty":
        return b""
    if treatment == "page":
        head = "<!DOCTYPE html>\n<html><head><title>Not found</title></head>"
        return f"{head}<body>404: {name} was not found on this server.\n</body></html>\n".encode()
    if treatment == "plain text":
        return f"{name}: see the other folder, the photo was too large to be sent.\n".encode()
    return huge_png(int(treatment.split()[1]))


def huge_png(side: int) -> bytes:
    """A valid black 1-bit PNG of `side` x `side` pixels in about a thousandth of its size.

    >>> len(huge_png(30_000)) < 200_000
    True
    """
    row = 1 + (side + 7) // 8  # a filter byte, then the pixels
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = deflate.compress(bytes(row * 256)) + deflate.flush(zlib.Z_FULL_FLUSH)  # can be repeated
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    tail = rest.compress(bytes(row * (side % 256))) + rest.flush()
    checksum = struct.pack(">I", (row * side % 65521) << 16 | 1)  # Adler-32 of so many zeros
    pixels = b"\x78\xda" + head * (side // 256) + tail + checksum
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = [_format_chunk(b"IHDR", header), _format_chunk(b"IDAT", pixels), _format_chunk(b"IEND", b"")]
    return b"".join([b"\x89PNG\r\n\x1a\n", *chunks])


def _format_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
