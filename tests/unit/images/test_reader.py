"""The pixels that an encoder gets from image files, also with prefetching."""

import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.transform import image_transform
from PIL import Image
from timm.data import create_transform

from nearkin.images import reader
from tests.factories.images import (
    GEOMETRY,
    count_calls,
    inspect_files,
    make_noise,
    make_preprocessing,
    write_images,
)

NORMALISED = {"mean": (0.5,) * 3, "std": (0.5,) * 3}


def open_reader(folder, names, n_threads=2, **changes):
    return reader.ImageFileReader(
        inspect_files(folder, names), preprocessing=make_preprocessing(folder, **changes), n_threads=n_threads
    )


def read_pixels(folder, name, **changes):
    """The pixels of one file."""
    return open_reader(folder, [name], **changes)[0]


@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    size=st.integers(1, 24),
    crop=st.sampled_from([1.0, 0.875, 0.9, 0.95, 0.5]),
    interpolation=st.sampled_from(["bicubic", "bilinear", "lanczos"]),
)
@settings(max_examples=150, deadline=None)
def test_pixels_equal_the_transform_of_timm_exactly(width, height, size, crop, interpolation):
    image = make_noise(width, height)
    if max(width, height) > reader.MAX_ASPECT * min(width, height):
        return
    transform = create_transform(size, crop_pct=crop, interpolation=interpolation, normalize=False)
    expected = transform(image).permute(1, 2, 0).numpy()
    pixels = reader.resize_and_crop(image, {"size": size, "crop_pct": crop, "interpolation": interpolation})
    assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("size", [(90, 64), (31, 200), (16, 16), (7, 9)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_of_a_file_equal_the_transform_of_open_clip(tmp_path, size, mode):
    make_noise(*size).convert(mode).save(tmp_path / "a.jpg")
    *resize_to_rgb, to_tensor, _normalise = image_transform(16, is_train=False, **NORMALISED).transforms
    image = Image.open(tmp_path / "a.jpg")
    for step in (*resize_to_rgb, to_tensor):
        image = step(image)
    expected = (image.permute(1, 2, 0) * 255).round().byte().numpy()
    assert np.array_equal(read_pixels(tmp_path, "a.jpg", geometry=GEOMETRY | {"crop_pct": 1.0}), expected)


def test_a_very_long_strip_is_not_enlarged():
    image = Image.fromarray(np.full((1, 100_000, 3), 7, dtype=np.uint8))
    assert (reader.resize_and_crop(image, GEOMETRY) == 7).all()
    assert reader.resize_and_crop(image.transpose(Image.Transpose.ROTATE_90), GEOMETRY).shape == (16, 16, 3)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_fast_reduces_a_jpeg_to_at_least_twice_the_size(tmp_path, options):
    make_noise(250, 151).save(tmp_path / "a.jpg", **options)
    image = Image.open(tmp_path / "a.jpg")
    image.draft("RGB", (36, 36))  # 16 / 0.875 is 18; a quarter of 151 is still enough, an eighth is not
    assert image.size == (63, 38)
    resized = image.resize((29, 18), Image.Resampling.BICUBIC)  # 18 * 63 / 38 is 29.8
    expected = np.asarray(resized.crop((6, 1, 22, 17)))
    fast = read_pixels(tmp_path, "a.jpg", decode="fast")
    assert np.array_equal(fast, expected)
    assert not np.array_equal(fast, read_pixels(tmp_path, "a.jpg"))


def test_fast_applies_exif_orientation_and_reads_cmyk(tmp_path):
    wide, exif = make_noise(8, 6).resize((320, 240)), Image.Exif()
    exif[0x0112] = 6
    wide.save(tmp_path / "lying.jpg", quality=95, exif=exif)
    wide.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "upright.jpg", quality=95)
    wide.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    wide.save(tmp_path / "wide.jpg", quality=95)
    for name, expected_name in [("lying.jpg", "upright.jpg"), ("cmyk.jpg", "wide.jpg")]:
        difference = read_pixels(tmp_path, name, decode="fast").astype(int) - read_pixels(
            tmp_path, expected_name
        )
        assert np.abs(difference).mean() < 3


@pytest.mark.parametrize("name", ["a.jpg", "b.png", "c.webp", "d.tif"])
def test_fast_is_exact_for_small_jpegs_and_other_files(tmp_path, name):
    image = (
        make_noise(300, 71) if name == "a.jpg" else make_noise(300, 300)
    )  # 71 is one short of twice 2 x 18
    image.save(tmp_path / name)
    assert np.array_equal(read_pixels(tmp_path, name, decode="fast"), read_pixels(tmp_path, name))


def test_the_limit_is_on_the_declared_size(tmp_path):
    make_noise(300, 300).save(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="a.jpg: readable when inspected, but now too_many_pixels"):
        read_pixels(tmp_path, "a.jpg", decode="fast", max_megapixels=0.05)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_images_have_the_requested_order(tmp_path, n_threads):
    names = write_images(tmp_path / "photos", 11)
    source = open_reader(tmp_path / "photos", names, n_threads)
    table = inspect_files(tmp_path / "photos", names)
    single = [
        reader.resize_and_crop(Image.open(tmp_path / "photos" / name), GEOMETRY) for name in table["path"]
    ]
    assert list(source.uuids) == table["uuid"].to_list() == sorted(source.uuids)
    rows = np.array([7, 0, 0, 10, 3])  # as in embed_pixels
    assert np.array_equal(source.read_batch(rows), [single[row] for row in rows])
    assert np.array_equal(list(source.iter_images(range(11), ahead=4)), single)
    assert source.read_batch([]).shape == (0, 16, 16, 3) and list(source.iter_images([], ahead=4)) == []


def test_no_more_images_are_decoded_than_prefetched(tmp_path, monkeypatch):
    source = open_reader(tmp_path / "photos", write_images(tmp_path / "photos", 40))
    calls = count_calls(monkeypatch, reader, "decode_rgb")
    images = source.iter_images(range(40), ahead=8)
    next(images)
    images.close()
    assert len(calls) <= 1 + 8
    source.read_batch(range(4))
    assert len(calls) <= 9 + 4


def test_memory_does_not_grow_with_the_number_of_images(tmp_path, monkeypatch):
    source = open_reader(tmp_path / "photos", write_images(tmp_path / "photos", 60))
    resize_and_crop, live_ids, counts = reader.resize_and_crop, set(), []

    def track_result(image, geometry):
        result = resize_and_crop(image, geometry).copy()
        live_ids.add(id(result))
        weakref.finalize(result, live_ids.discard, id(result))
        counts.append(len(live_ids))
        return result

    monkeypatch.setattr(reader, "resize_and_crop", track_result)
    assert sum(1 for _ in source.iter_images(range(60), ahead=6)) == 60
    assert max(counts) <= 6 + 1 + 1  # prefetched, yielded, in transfer


@pytest.mark.parametrize("change", ["longer", "same size", "gone"])
def test_a_file_changed_since_inspection_is_named(tmp_path, change):
    folder = tmp_path / "photos"
    source = open_reader(folder, write_images(folder))
    path = folder / "2.png"
    data = path.read_bytes()
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(data + b"x" if change == "longer" else data[:-1] + bytes([data[-1] ^ 1]))
    for read in (source.read_batch, lambda rows: list(source.iter_images(rows, ahead=2))):
        with pytest.raises(ValueError, match="2.png: (changed|gone) since inspection.*rerun inspect_images"):
            read(range(5))


def test_no_file_outside_the_folder_is_read(tmp_path):
    folder = tmp_path / "photos"
    write_images(folder, 1)
    make_noise(9, 9).save(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    for name in ("../secret.png", "link.png"):
        with pytest.raises(ValueError, match="lies outside the dataset's folder"):
            read_pixels(folder, name)
