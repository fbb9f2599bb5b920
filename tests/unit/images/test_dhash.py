"""Thumbnails and their hashes: what they show, and which bits they have."""

import numpy as np
import polars as pl
from PIL import Image

from nearkin.images.dhash import (
    CROPS,
    FLAT_RANGE,
    SIDE,
    compute_dhash,
    make_thumbnail,
    to_array,
    transform_view,
)
from nearkin.tables.images import VIEWS
from tests.factories.delivery import drawing


def make_ramp():
    """A thumbnail whose brightness increases to the right by two levels per pixel."""
    return np.tile(np.arange(SIDE) * 2, (SIDE, 1))[None]


def test_every_view_has_a_crop():
    assert set(CROPS) == {"whole", *VIEWS}


def test_a_thumbnail_is_the_reduced_image_for_any_shape():
    for size in ((300, 200), (33, 1000), (5, 4), (1, 1)):
        image = Image.new("L", size, 90)
        assert set(make_thumbnail(image)) == {90}
        assert len(make_thumbnail(image)) == SIDE * SIDE
    half = Image.new("L", (400, 100), 10)
    half.paste(210, (200, 0, 400, 100))
    small = to_array(pl.Series([make_thumbnail(half)]))[0]
    assert (small[:, : SIDE // 2 - 2] == 10).all() and (small[:, SIDE // 2 + 2 :] == 210).all()


def test_thumbnails_of_any_part_of_a_table_keep_their_order():
    series = pl.Series([bytes([number]) * SIDE * SIDE for number in range(8)])
    for part in (
        series,
        series[3:5],
        series.gather([7, 7, 0]),
        series[:0],
        pl.concat([series[6:], series[:1]]),
    ):
        assert to_array(part)[:, 3, 4].tolist() == [content[0] for content in part]


def test_a_bit_is_set_if_brightness_increases_to_the_right():
    assert compute_dhash(make_ramp(), "whole").tolist() == [2**64 - 1]
    assert compute_dhash(make_ramp(), "mirrored").tolist() == [0]
    assert compute_dhash(make_ramp(), "rotated_180").tolist() == [0]


def test_flat_areas_have_fixed_bits_despite_small_noise():
    flat = np.full((1, SIDE, SIDE), 200.0)
    noisy = flat + np.random.default_rng(1).uniform(-FLAT_RANGE, FLAT_RANGE, flat.shape)
    assert (
        compute_dhash(flat, "whole").tolist()
        == compute_dhash(noisy, "whole").tolist()
        == [0xF0F0F0F0F0F0F0F0]
    )


def test_a_view_is_like_a_cropped_mirrored_or_rotated_image():
    image = drawing(3)
    thumbnails = to_array(pl.Series([make_thumbnail(image)]))
    views = {
        "middle": image.crop((10, 10, 150, 150)),
        "crop_left": image.crop((15, 0, 160, 160)),
        "crop_bottom": image.crop((0, 0, 160, 145)),
        "mirrored": image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "rotated_90": image.transpose(Image.Transpose.ROTATE_90),
        "rotated_180": image.transpose(Image.Transpose.ROTATE_180),
    }
    for view, image_of_view in views.items():
        other = to_array(pl.Series([make_thumbnail(image_of_view)]))
        distance = np.bitwise_count(compute_dhash(thumbnails, view) ^ compute_dhash(other, "whole"))
        assert distance[0] <= 4, view
    assert np.array_equal(transform_view(thumbnails, "mirrored")[0], thumbnails[0][:, ::-1])
