"""Images of every mode, and files that are no images."""

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nearkin.images.decode import ImageProblem, decode, decode_gray, decode_rgb, decode_rgb_reduced

MAX_PIXELS = 1_000_000


def encode(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def make_noise(size=(40, 30), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def make_png(width, height):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(bytes(1000))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def read_problem(data):
    with pytest.raises(ImageProblem) as caught:
        decode_rgb(data, MAX_PIXELS)
    return caught.value.problem


def test_rgb_pixels_are_unchanged_from_bytes_path_and_file(tmp_path):
    image = make_noise()
    path = tmp_path / "a.png"
    path.write_bytes(encode(image))
    for source in (encode(image), path, str(path)):
        assert np.array_equal(np.asarray(decode_rgb(source, MAX_PIXELS)), np.asarray(image))
    with open(path, "rb") as file:
        assert decode(file, MAX_PIXELS)[1:] == ("PNG", "RGB", None)


def test_grey_of_8_and_16_bits_is_equal():
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    image_16_bit = decode_rgb(encode(Image.fromarray(values * 257)), MAX_PIXELS)
    assert np.array_equal(np.asarray(image_16_bit)[..., 0], values)
    assert image_16_bit.mode == "RGB"


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0])
def test_float_tiff_is_scaled_by_its_range(scale):
    values = np.array([[0, scale]], dtype=np.float32)
    assert np.asarray(decode_rgb(encode(Image.fromarray(values), "TIFF"), MAX_PIXELS))[0, :, 0].tolist() == [
        0,
        255,
    ]


def test_transparent_pixels_become_white():
    transparent = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert np.asarray(decode_rgb(encode(transparent), MAX_PIXELS)).min() == 255
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.putpixel((1, 0), 1)
    pixels = np.asarray(decode_rgb(encode(palette, transparency=0), MAX_PIXELS))
    assert pixels.tolist() == [[[255, 255, 255], [0, 0, 200]]]


def test_cmyk_is_not_inverted():
    white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    decoded = decode(encode(white, "JPEG"), MAX_PIXELS)
    assert decoded.mode == "CMYK"
    assert np.asarray(decoded.image).min() > 250


def test_exif_orientation_is_applied():
    image = Image.new("RGB", (40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        for read in (decode, decode_gray):
            decoded = read(encode(image, kind, exif=exif), MAX_PIXELS)
            assert (decoded.image.size, decoded.orientation) == ((20, 40), 6), kind
    assert decode(encode(image, "JPEG"), MAX_PIXELS).orientation is None


def test_invalid_exif_does_not_change_the_pixels():
    data = encode(make_noise(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert decode_rgb(data, MAX_PIXELS).size == (40, 30)


def test_too_many_pixels_is_refused_before_decoding():
    assert read_problem(make_png(2000, 2000)) == "too_many_pixels"
    assert read_problem(make_png(60_000, 60_000)) == "too_many_pixels"


def test_files_that_are_no_images():
    whole = encode(make_noise((200, 200)), "JPEG")
    assert read_problem(b"") == "empty"
    assert read_problem(b"<!DOCTYPE html><p>404</p>") == "not_an_image"
    assert read_problem(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n") == "not_an_image"
    assert read_problem(whole[: len(whole) // 2]) == "truncated"
    assert read_problem(whole[:100]) == "truncated"
    png = encode(make_noise((200, 200)))
    assert read_problem(png[: len(png) // 2]) == "truncated"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x20ftypisom\0\0\0\0", "video"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "SVG"),
        (b"\n <html><p>404", "HTML"),
        (b'{"error": 404}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
        (b"%PDF-1.4", "PDF"),
        (bytes(2000), "zero bytes"),
        (b"RIFF\0\0\0\0WAVEfmt ", "begins with"),
    ],
)
def test_the_kind_of_a_file_that_is_no_image_is_named(data, kind):
    with pytest.raises(ImageProblem) as caught:
        decode_rgb(data, MAX_PIXELS)
    assert caught.value.problem == "not_an_image"
    assert caught.value.detail.startswith(kind)


TRUNCATION_CASES = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("GIF", {}),
    ("BMP", {}),
    ("WEBP", {}),
]
TRUNCATION_CASES += [("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})]


@pytest.mark.parametrize(("kind", "options"), TRUNCATION_CASES)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_an_incomplete_file_is_truncated(kind, options, share):
    data = encode(make_noise((200, 200)), kind, **options)
    assert read_problem(data[: int(share * len(data))]) == "truncated"


def test_the_last_bytes_of_a_jpeg_matter_and_trailing_bytes_do_not():
    data = encode(make_noise(), "JPEG")
    assert read_problem(data[:-3]) == "truncated"
    assert decode_rgb(data + b"garbage" * 1000, MAX_PIXELS).size == (40, 30)


def test_a_side_without_pixels_is_unreadable():
    data = encode(make_noise((200, 200)), "JPEG")
    sizes = data.index(b"\xff\xc0") + 5
    assert read_problem(data[:sizes] + bytes(4) + data[sizes + 4 :]) == "unreadable"
    assert read_problem(make_png(0, 9) + bytes(600)) == "unreadable"


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_only_the_first_frame_is_read(kind):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    data = encode(first, kind, save_all=True, append_images=[second])
    red, _, blue = np.asarray(decode_rgb(data, MAX_PIXELS))[4, 4].tolist()
    assert red > 200 and blue < 50


def test_a_photo_with_an_embedded_picture_is_a_photo():
    data = encode(make_noise(), "MPO", save_all=True, append_images=[make_noise(seed=1)])
    assert decode_rgb(data, MAX_PIXELS).size == decode_gray(data, MAX_PIXELS).image.size == (40, 30)


def test_one_bit_images():
    image = Image.new("1", (9, 9), 1)
    for kind, options in (("PNG", {}), ("TIFF", {"compression": "group4"})):
        assert np.asarray(decode_rgb(encode(image, kind, **options), MAX_PIXELS)).min() == 255


def test_compressed_text_that_is_too_large_is_refused():
    text = zlib.compress(bytes(80_000_000))
    body = b"zTXt" + b"k\0\0" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = encode(make_noise())
    assert read_problem(data[:33] + chunk + data[33:]) == "unreadable"


MODES = ["RGB", "L", "CMYK", "P", "RGBA", "LA", "1", "I;16"]


@pytest.mark.parametrize("mode", MODES)
def test_grey_equals_the_converted_colours(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50) if mode == "I;16" else None
    data = encode(image or make_noise().resize((80, 60)).convert(mode), kind)
    grey, colours = decode_gray(data, MAX_PIXELS), decode(data, MAX_PIXELS)
    assert grey.image.mode == "L"
    assert grey[1:] == colours[1:]
    assert np.array_equal(np.asarray(grey.image), np.asarray(colours.image.convert("L")))


def test_grey_of_a_jpeg_is_oriented_and_as_bright_as_its_colours():
    exif = Image.Exif()
    exif[0x0112] = 6
    for options in ({}, {"subsampling": 0}, {"progressive": True}, {"keep_rgb": True}):
        data = encode(make_noise((8, 6)).resize((80, 60)), "JPEG", exif=exif, quality=95, **options)
        grey, colours = decode_gray(data, MAX_PIXELS), decode(data, MAX_PIXELS)
        assert (grey.image.size, grey.mode) == ((60, 80), "RGB")
        difference = np.abs(np.asarray(grey.image, dtype=int) - np.asarray(colours.image.convert("L")))
        assert difference.mean() < 1.5


def test_the_error_names_the_file(tmp_path):
    (tmp_path / "--x.jpg").write_bytes(b"nothing")
    with pytest.raises(ImageProblem, match=r"--x\.jpg: not_an_image: begins with b'nothing'"):
        decode_rgb(tmp_path / "--x.jpg", MAX_PIXELS)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([{}, {"progressive": True}, {"subsampling": 0}]), st.data())
def test_a_damaged_jpeg_has_the_same_problem_in_grey_and_colour(options, data):
    content = bytearray(encode(make_noise(), "JPEG", **options))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    def read_outcome(decoder, **keywords):
        try:
            return decoder(bytes(content), MAX_PIXELS, **keywords) and "an image"
        except ImageProblem as problem:
            return problem.problem

    assert read_outcome(decode_gray) == read_outcome(decode_rgb_reduced, side=10) == read_outcome(decode)


def test_a_jpeg_is_reduced_while_its_shorter_side_is_large_enough():
    data = encode(make_noise((400, 161)), "JPEG")
    sizes = {
        side: decode_rgb_reduced(data, MAX_PIXELS, side=side).size for side in (20, 21, 40, 41, 80, 81, 500)
    }
    eighth, quarter, half, whole = (50, 21), (100, 41), (200, 81), (400, 161)
    assert list(sizes.values()) == [eighth, quarter, quarter, half, half, whole, whole]
    assert decode_rgb_reduced(encode(make_noise((400, 161))), MAX_PIXELS, side=20).size == whole


def test_decoding_in_threads_keeps_the_filters_of_warnings(recwarn):
    filters_before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        for image in pool.map(lambda data: decode_rgb(data, MAX_PIXELS), [encode(make_noise())] * 40):
            assert image.size == (40, 30)
    assert list(warnings.filters) == filters_before
    warnings.warn("is still reported", stacklevel=1)
    assert [str(warning.message) for warning in recwarn] == ["is still reported"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]), st.data())
def test_a_damaged_file_is_an_image_or_a_problem(kind, data):
    content = bytearray(encode(make_noise(), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode_rgb(bytes(content), MAX_PIXELS).mode == "RGB"
    except ImageProblem as problem:
        assert problem.problem in ("truncated", "not_an_image", "too_many_pixels", "unreadable")
