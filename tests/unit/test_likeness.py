"""A crop, another light or a smaller copy is alike; another picture, or none, is not."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nearkin.likeness import likeness
from nearkin.thumbnails import SIDE, thumbnail, unpacked, viewed
from tests.unit.deliveries import drawing


def small(*images):
    return unpacked(pl.Series([thumbnail(image) for image in images]))


def like(one, other, view="whole"):
    return float(likeness(viewed(small(one), view), small(other), view)[0])


def test_itself_is_wholly_alike():
    assert like(drawing(1), drawing(1)) == pytest.approx(1, abs=1e-5)


def test_another_light_or_contrast_is_no_difference():
    dark = drawing(1).point(lambda value: 20 + value // 2)
    assert like(drawing(1), dark) > 0.99


@pytest.mark.parametrize("cut", [(4, 4, 4, 4), (8, 0, 0, 0), (0, 3, 7, 0), (0, 0, 0, 8)])
def test_what_was_cut_off_is_found_where_it_was(cut):
    left, top, right, bottom = cut
    cropped = drawing(1).crop((left, top, 160 - right, 160 - bottom)).resize((120, 110))
    assert like(drawing(1), cropped) > 0.97


def test_a_wider_cut_needs_the_view_that_comes_near():
    cropped = drawing(1).crop((18, 0, 160, 160))
    assert like(drawing(1), cropped, "left_off") > 0.97


def test_other_pictures_are_not_alike():
    alike = [like(drawing(one), drawing(other)) for one in range(6) for other in range(6) if one != other]
    assert max(alike) < 0.8


def test_mirrored_and_turned():
    mirrored = drawing(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = drawing(1).transpose(Image.Transpose.ROTATE_90)
    assert like(drawing(1), mirrored) < 0.8
    assert like(drawing(1), mirrored, "mirrored") > 0.99
    assert like(drawing(1), turned, "turned_90") > 0.99
    assert like(turned, drawing(1).transpose(Image.Transpose.ROTATE_270), "turned_180") > 0.99


def test_blank_images_are_like_nothing_and_noise_is_no_likeness():
    white, grey = (Image.new("L", (50, 50), value) for value in (255, 100))
    assert like(white, white) == like(white, grey) == like(white, drawing(1)) == like(drawing(1), white) == 0


def test_a_pair_s_likeness_does_not_depend_on_the_others():
    thumbnails = small(*(drawing(seed) for seed in range(5)))
    together = likeness(thumbnails, thumbnails[::-1], "middle")
    alone = [likeness(thumbnails[[i]], thumbnails[[4 - i]], "middle")[0] for i in range(5)]
    assert np.array_equal(together, alone)
    assert len(likeness(thumbnails[:0], thumbnails[:0], "whole")) == 0
    assert thumbnails.shape == (5, SIDE, SIDE)
