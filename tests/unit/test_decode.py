"""Images of every mode, and files that only claim to be images."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nearkin.decode import ImageProblem, decode, rgb

LIMIT = 1_000_000


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(size=(40, 30), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png_declaring(width, height):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(bytes(1000))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def problem_of(data):
    with pytest.raises(ImageProblem) as caught:
        rgb(data, LIMIT)
    return caught.value.problem


def test_rgb_pixels_come_back_untouched_from_bytes_path_and_file(tmp_path):
    image = noise()
    path = tmp_path / "a.png"
    path.write_bytes(encoded(image))
    for source in (encoded(image), path, str(path)):
        assert np.array_equal(np.asarray(rgb(source, LIMIT)), np.asarray(image))
    with open(path, "rb") as file:
        assert decode(file, LIMIT)[1:] == ("PNG", "RGB")


def test_grey_of_8_and_16_bits_are_the_same_grey():
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    deep = rgb(encoded(Image.fromarray(values * 257)), LIMIT)
    assert np.array_equal(np.asarray(deep)[..., 0], values)
    assert deep.mode == "RGB"


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0])
def test_float_tiff_is_scaled_by_what_it_holds(scale):
    values = np.array([[0, scale]], dtype=np.float32)
    assert np.asarray(rgb(encoded(Image.fromarray(values), "TIFF"), LIMIT))[0, :, 0].tolist() == [0, 255]


def test_transparent_shows_white():
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert np.asarray(rgb(encoded(clear), LIMIT)).min() == 255
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.putpixel((1, 0), 1)
    pixels = np.asarray(rgb(encoded(palette, transparency=0), LIMIT))
    assert pixels.tolist() == [[[255, 255, 255], [0, 0, 200]]]


def test_cmyk_is_not_inverted():
    white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    decoded = decode(encoded(white, "JPEG"), LIMIT)
    assert decoded.mode == "CMYK"
    assert np.asarray(decoded.image).min() > 250


def test_turned_as_exif_says():
    image = Image.new("RGB", (40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    assert rgb(encoded(image, "JPEG", exif=exif), LIMIT).size == (20, 40)


def test_garbled_exif_does_not_spoil_the_pixels():
    data = encoded(noise(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert rgb(data, LIMIT).size == (40, 30)


def test_too_many_pixels_is_refused_before_decoding():
    assert problem_of(png_declaring(2000, 2000)) == "too_many_pixels"
    assert problem_of(png_declaring(60_000, 60_000)) == "too_many_pixels"


def test_files_that_are_no_images():
    whole = encoded(noise((200, 200)), "JPEG")
    assert problem_of(b"") == "empty"
    assert problem_of(b"<!DOCTYPE html><p>404</p>") == "not_an_image"
    assert problem_of(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n") == "not_an_image"
    assert problem_of(whole[: len(whole) // 2]) == "truncated"
    assert problem_of(whole[:100]) == "truncated"
    png = encoded(noise((200, 200)))
    assert problem_of(png[: len(png) // 2]) == "truncated"


def test_the_error_names_the_file(tmp_path):
    (tmp_path / "--x.jpg").write_bytes(b"nothing")
    with pytest.raises(ImageProblem, match=r"--x\.jpg: not_an_image: begins with b'nothing'"):
        rgb(tmp_path / "--x.jpg", LIMIT)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]), st.data())
def test_a_damaged_file_is_an_image_or_a_problem_never_another_error(kind, data):
    content = bytearray(encoded(noise(), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert rgb(bytes(content), LIMIT).mode == "RGB"
    except ImageProblem as problem:
        assert problem.problem in ("truncated", "not_an_image", "too_many_pixels", "unreadable")
