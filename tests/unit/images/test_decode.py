"""Images of every mode, and files that only claim to be images."""

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
        decode_rgb(data, LIMIT)
    return caught.value.problem


def test_rgb_pixels_come_back_untouched_from_bytes_path_and_file(tmp_path):
    image = noise()
    path = tmp_path / "a.png"
    path.write_bytes(encoded(image))
    for source in (encoded(image), path, str(path)):
        assert np.array_equal(np.asarray(decode_rgb(source, LIMIT)), np.asarray(image))
    with open(path, "rb") as file:
        assert decode(file, LIMIT)[1:] == ("PNG", "RGB", None)


def test_grey_of_8_and_16_bits_are_the_same_grey():
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    deep = decode_rgb(encoded(Image.fromarray(values * 257)), LIMIT)
    assert np.array_equal(np.asarray(deep)[..., 0], values)
    assert deep.mode == "RGB"


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0])
def test_float_tiff_is_scaled_by_what_it_holds(scale):
    values = np.array([[0, scale]], dtype=np.float32)
    assert np.asarray(decode_rgb(encoded(Image.fromarray(values), "TIFF"), LIMIT))[0, :, 0].tolist() == [
        0,
        255,
    ]


def test_transparent_shows_white():
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert np.asarray(decode_rgb(encoded(clear), LIMIT)).min() == 255
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.putpixel((1, 0), 1)
    pixels = np.asarray(decode_rgb(encoded(palette, transparency=0), LIMIT))
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
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        for read in (decode, decode_gray):
            decoded = read(encoded(image, kind, exif=exif), LIMIT)
            assert (decoded.image.size, decoded.orientation) == ((20, 40), 6), kind
    assert decode(encoded(image, "JPEG"), LIMIT).orientation is None


def test_garbled_exif_does_not_spoil_the_pixels():
    data = encoded(noise(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert decode_rgb(data, LIMIT).size == (40, 30)


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
def test_what_is_no_image_is_named(data, kind):
    with pytest.raises(ImageProblem) as caught:
        decode_rgb(data, LIMIT)
    assert caught.value.problem == "not_an_image"
    assert caught.value.detail.startswith(kind)


CUTS = [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("WEBP", {})]
CUTS += [("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})]


@pytest.mark.parametrize(("kind", "options"), CUTS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_file_cut_off_is_truncated(kind, options, share):
    data = encoded(noise((200, 200)), kind, **options)
    assert problem_of(data[: int(share * len(data))]) == "truncated"


def test_the_last_bytes_of_a_jpeg_matter_and_bytes_behind_it_do_not():
    data = encoded(noise(), "JPEG")
    assert problem_of(data[:-3]) == "truncated"
    assert decode_rgb(data + b"garbage" * 1000, LIMIT).size == (40, 30)


def test_a_side_without_pixels_is_unreadable():
    data = encoded(noise((200, 200)), "JPEG")
    sizes = data.index(b"\xff\xc0") + 5
    assert problem_of(data[:sizes] + bytes(4) + data[sizes + 4 :]) == "unreadable"
    assert problem_of(png_declaring(0, 9) + bytes(600)) == "unreadable"


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_only_the_first_frame_is_read(kind):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    data = encoded(first, kind, save_all=True, append_images=[second])
    red, _, blue = np.asarray(decode_rgb(data, LIMIT))[4, 4].tolist()
    assert red > 200 and blue < 50


def test_a_photo_with_a_second_picture_inside_is_a_photo():
    data = encoded(noise(), "MPO", save_all=True, append_images=[noise(seed=1)])
    assert decode_rgb(data, LIMIT).size == decode_gray(data, LIMIT).image.size == (40, 30)


def test_black_and_white_of_one_bit():
    image = Image.new("1", (9, 9), 1)
    for kind, options in (("PNG", {}), ("TIFF", {"compression": "group4"})):
        assert np.asarray(decode_rgb(encoded(image, kind, **options), LIMIT)).min() == 255


def test_compressed_text_that_would_not_fit_into_memory_is_refused():
    text = zlib.compress(bytes(80_000_000))
    body = b"zTXt" + b"k\0\0" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = encoded(noise())
    assert problem_of(data[:33] + chunk + data[33:]) == "unreadable"


MODES = ["RGB", "L", "CMYK", "P", "RGBA", "LA", "1", "I;16"]


@pytest.mark.parametrize("mode", MODES)
def test_grey_is_the_grey_of_the_colours(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50) if mode == "I;16" else None
    data = encoded(image or noise().resize((80, 60)).convert(mode), kind)
    grey, colours = decode_gray(data, LIMIT), decode(data, LIMIT)
    assert grey.image.mode == "L"
    assert grey[1:] == colours[1:]
    assert np.array_equal(np.asarray(grey.image), np.asarray(colours.image.convert("L")))


def test_grey_of_a_jpeg_is_turned_too_and_as_bright_as_its_colours():
    exif = Image.Exif()
    exif[0x0112] = 6
    for options in ({}, {"subsampling": 0}, {"progressive": True}, {"keep_rgb": True}):
        data = encoded(noise((8, 6)).resize((80, 60)), "JPEG", exif=exif, quality=95, **options)
        grey, colours = decode_gray(data, LIMIT), decode(data, LIMIT)
        assert (grey.image.size, grey.mode) == ((60, 80), "RGB")
        apart = np.abs(np.asarray(grey.image, dtype=int) - np.asarray(colours.image.convert("L")))
        assert apart.mean() < 1.5


def test_the_error_names_the_file(tmp_path):
    (tmp_path / "--x.jpg").write_bytes(b"nothing")
    with pytest.raises(ImageProblem, match=r"--x\.jpg: not_an_image: begins with b'nothing'"):
        decode_rgb(tmp_path / "--x.jpg", LIMIT)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([{}, {"progressive": True}, {"subsampling": 0}]), st.data())
def test_a_damaged_jpeg_is_readable_in_grey_only_if_it_is_in_colours(options, data):
    content = bytearray(encoded(noise(), "JPEG", **options))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    def outcome(decoder, **named):
        try:
            return decoder(bytes(content), LIMIT, **named) and "an image"
        except ImageProblem as problem:
            return problem.problem

    assert outcome(decode_gray) == outcome(decode_rgb_reduced, side=10) == outcome(decode)


def test_a_jpeg_comes_smaller_as_long_as_its_shorter_side_is_enough():
    data = encoded(noise((400, 161)), "JPEG")
    sizes = {side: decode_rgb_reduced(data, LIMIT, side=side).size for side in (20, 21, 40, 41, 80, 81, 500)}
    eighth, quarter, half, whole = (50, 21), (100, 41), (200, 81), (400, 161)
    assert list(sizes.values()) == [eighth, quarter, quarter, half, half, whole, whole]
    assert decode_rgb_reduced(encoded(noise((400, 161))), LIMIT, side=20).size == whole


def test_threads_that_decode_leave_the_filters_of_warnings_as_they_were(recwarn):
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        for image in pool.map(lambda data: decode_rgb(data, LIMIT), [encoded(noise())] * 40):
            assert image.size == (40, 30)
    assert list(warnings.filters) == before
    warnings.warn("is still told", stacklevel=1)
    assert [str(told.message) for told in recwarn] == ["is still told"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]), st.data())
def test_a_damaged_file_is_an_image_or_a_problem_never_another_error(kind, data):
    content = bytearray(encoded(noise(), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode_rgb(bytes(content), LIMIT).mode == "RGB"
    except ImageProblem as problem:
        assert problem.problem in ("truncated", "not_an_image", "too_many_pixels", "unreadable")
