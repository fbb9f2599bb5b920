"""The store of decoded pixels: the encoder's own pixels, reused by content, whole or not there."""

import hashlib
import os

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from timm.data import create_transform

from nearkin import pixels
from nearkin.identity import image_uuid
from nearkin.tables.images import Inspection

GEOMETRY = {"size": 16, "crop": 0.875, "interpolation": "bicubic"}


def noise(width, height, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def inspected(folder, names, problems=None):
    """An `Inspection` table of the files `names` in `folder`."""
    rows = []
    for name in names:
        data = (folder / name).read_bytes()
        rows.append(
            {
                "uuid": image_uuid("drawn", name),
                "path": name,
                "problem": (problems or {}).get(name),
                "n_bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        )
    schema = {name: column.dtype for name, column in Inspection.columns().items()}
    return pl.DataFrame(rows, schema=schema).sort("uuid")


def write(inspection, path, folder, geometry=GEOMETRY):
    return pixels.write_pixels(inspection, path, folder=folder, geometry=geometry, max_megapixels=1)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "photos"
    place.mkdir()
    for i in range(5):
        noise(20 + i, 24, seed=i).save(place / f"{i}.png")
    return place


@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    size=st.integers(1, 24),
    crop=st.sampled_from([1.0, 0.875, 0.9, 0.95, 0.5]),
    interpolation=st.sampled_from(["bicubic", "bilinear", "lanczos"]),
)
@settings(max_examples=150, deadline=None)
def test_pixels_equal_timms_own_transform_bit_for_bit(width, height, size, crop, interpolation):
    image = noise(width, height)
    if max(width, height) > pixels.LONGEST * min(width, height):
        return
    transform = create_transform(size, crop_pct=crop, interpolation=interpolation, normalize=False)
    theirs = transform(image).permute(1, 2, 0).numpy()
    ours = pixels.square(image, {"size": size, "crop": crop, "interpolation": interpolation})
    assert np.array_equal(ours, theirs)


def test_a_very_long_strip_is_not_blown_up():
    image = Image.fromarray(np.full((1, 100_000, 3), 7, dtype=np.uint8))
    assert (pixels.square(image, GEOMETRY) == 7).all()
    assert pixels.square(image.transpose(Image.Transpose.ROTATE_90), GEOMETRY).shape == (16, 16, 3)


def test_rows_are_sorted_and_hold_the_pixels(folder, tmp_path):
    names = [f"{i}.png" for i in range(5)]
    counts = write(inspected(folder, names, {"3.png": "truncated"}), tmp_path / "0.arrow", folder)
    store = pixels.Pixels(tmp_path / "0.arrow")
    assert counts == (4, 0) and len(store) == 4
    assert store.uuids == sorted(image_uuid("drawn", name) for name in names if name != "3.png")
    for name in ("0.png", "4.png"):
        expected = pixels.square(Image.open(folder / name), GEOMETRY)
        assert np.array_equal(store[store.uuids.index(image_uuid("drawn", name))], expected)
    assert store.take([3, 0]).shape == (2, 16, 16, 3)


def test_what_is_known_is_copied_and_the_bytes_are_as_from_nothing(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pixels, "ROWS_AT_ONCE", 2)
    path, fresh = tmp_path / "0.arrow", tmp_path / "fresh.arrow"
    write(inspected(folder, ["1.png", "2.png", "4.png"]), path, folder)
    noise(30, 30, seed=99).save(folder / "2.png")
    everything = inspected(folder, [f"{i}.png" for i in range(5)])
    assert write(everything, path, folder) == (3, 2)
    write(everything, fresh, folder)
    assert path.read_bytes() == fresh.read_bytes()
    assert write(everything, path, folder) == (0, 5)
    assert write(everything, path, folder, GEOMETRY | {"crop": 0.5}) == (5, 0)


def test_a_damaged_store_is_made_anew(folder, tmp_path):
    path = tmp_path / "0.arrow"
    write(inspected(folder, ["1.png"]), path, folder)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="0.arrow: not a whole pixel store"):
        pixels.Pixels(path)
    assert write(inspected(folder, ["1.png"]), path, folder) == (1, 0)


def test_an_empty_shard_is_a_file_without_rows(folder, tmp_path):
    write(inspected(folder, []), tmp_path / "0.arrow", folder)
    store = pixels.Pixels(tmp_path / "0.arrow")
    assert len(store) == 0 and store.take([]).shape == (0, 16, 16, 3)
    assert store.row_of("a", "b") is None
    with pa.memory_map(str(tmp_path / "0.arrow")) as file:
        assert pa.ipc.open_file(file).schema.names == ["uuid", "sha256", "pixels"]


@pytest.mark.parametrize("change", ["longer", "same size", "gone"])
def test_a_file_changed_since_inspection_is_named_and_the_old_store_stays(folder, tmp_path, change):
    path = tmp_path / "0.arrow"
    write(inspected(folder, ["1.png"]), path, folder)
    before = path.read_bytes()
    table = inspected(folder, ["1.png", "2.png"])
    target = folder / "2.png"
    data = target.read_bytes()
    if change == "gone":
        target.unlink()
    else:
        target.write_bytes(data + b"x" if change == "longer" else data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match="2.png: (changed|gone) since inspection"):
        write(table, path, folder)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["0.arrow", "photos"]


def test_nothing_outside_the_folder_is_read(folder, tmp_path):
    noise(9, 9).save(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    for name in ("../secret.png", "link.png"):
        with pytest.raises(ValueError, match="lies outside the dataset's folder"):
            write(inspected(folder, [name]), tmp_path / "0.arrow", folder)
