"""A crop, another light or a smaller copy is alike; another picture, or none, is not."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nearkin.groups import alignment as module
from nearkin.groups.alignment import aligned_similarity, coarse_gradients
from nearkin.images.dhash import CROPS, SIDE, make_thumbnail, to_array, transform_view
from tests.factories.delivery import drawing


def small(*images):
    return to_array(pl.Series([make_thumbnail(image) for image in images]))


def like(one, other, view="whole"):
    return float(aligned_similarity(transform_view(small(one), view), small(other), view)[0])


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
    assert like(drawing(1), cropped, "crop_left") > 0.97


def test_other_pictures_are_not_alike():
    alike = [like(drawing(one), drawing(other)) for one in range(6) for other in range(6) if one != other]
    assert max(alike) < 0.8


def test_mirrored_and_turned():
    mirrored = drawing(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = drawing(1).transpose(Image.Transpose.ROTATE_90)
    assert like(drawing(1), mirrored) < 0.8
    assert like(drawing(1), mirrored, "mirrored") > 0.99
    assert like(drawing(1), turned, "rotated_90") > 0.99
    assert like(turned, drawing(1).transpose(Image.Transpose.ROTATE_270), "rotated_180") > 0.99


def test_blank_images_are_like_nothing_and_noise_is_no_likeness():
    white, grey = (Image.new("L", (50, 50), value) for value in (255, 100))
    assert like(white, white) == like(white, grey) == like(white, drawing(1)) == like(drawing(1), white) == 0


def test_a_pair_s_likeness_does_not_depend_on_the_others():
    thumbnails = small(*(drawing(seed) for seed in range(5)))
    together = aligned_similarity(thumbnails, thumbnails[::-1], "middle")
    alone = [aligned_similarity(thumbnails[[i]], thumbnails[[4 - i]], "middle")[0] for i in range(5)]
    assert np.array_equal(together, alone)
    assert len(aligned_similarity(thumbnails[:0], thumbnails[:0], "whole")) == 0
    assert thumbnails.shape == (5, SIDE, SIDE)


def mean_cells(picture, frame, n):
    """The means of n x n cells of a frame (left, top, right, bottom), pixel by pixel."""

    def shares(low, high):
        edges = [low + (high - low) * i / n for i in range(n + 1)]
        return np.array(
            [
                [max(0.0, min(end, p + 1) - max(start, p)) / (end - start) for p in range(SIDE)]
                for start, end in pairwise(edges)
            ]
        )

    left, top, right, bottom = frame
    return shares(top, bottom) @ picture.astype(float) @ shares(left, right).T


def slopes(cells):
    return np.concatenate([(cells[1:] - cells[:-1]).ravel(), (cells[:, 1:] - cells[:, :-1]).ravel()])


def directed(cells):
    """The slopes with length 1; none if they are shorter than half a grey level on average."""
    found = slopes(cells)
    length = np.linalg.norm(found)
    return found / length if length >= 10 else 0 * found


def slow_likeness(moving, fixed, view):
    """One pair, in float64: the best of six fits at 14 cells, two of the steps at 8."""
    left, top, right, bottom = (share * SIDE for share in CROPS[view])
    frame = np.array([left, top, SIDE - right, SIDE - bottom])
    whole = (0, 0, SIDE, SIDE)
    goal = directed(mean_cells(fixed, whole, 14))
    best = [directed(mean_cells(moving, frame, 14)) @ goal]
    for n in (8, 8, 14, 14, 14):
        cells = mean_cells(moving, frame, n)
        padded = np.pad(cells, 1, mode="edge")
        across, down = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
        place = np.array([(2 * i + 1) / n - 1 for i in range(n)])
        forecast = [cells, across, down, across * place[None], down * place[:, None]]
        forecast = np.array([slopes(one) for one in forecast])
        wanted = directed(mean_cells(fixed, whole, n))
        weights = np.linalg.solve(forecast @ forecast.T + 100 * np.eye(5), forecast @ wanted)
        x, y, wider, higher = np.clip(weights[1:] / max(weights[0], 1e-3), -1.5, 1.5)
        width, height = (frame[2] - frame[0]) / n, (frame[3] - frame[1]) / n
        frame = frame + [
            (x - wider) * width,
            (y - higher) * height,
            (x + wider) * width,
            (y + higher) * height,
        ]
        frame = np.clip(frame, [0, 0, 0.8 * SIDE, 0.8 * SIDE], [0.2 * SIDE, 0.2 * SIDE, SIDE, SIDE])
        best.append(directed(mean_cells(moving, frame, 14)) @ goal)
    return max(best)


PICTURES = {
    "drawn": drawing(1),
    "another": drawing(2),
    "cropped": drawing(1).crop((10, 6, 150, 158)),
    "a corner": drawing(1).crop((0, 0, 120, 135)),
    "off centre": drawing(1).crop((40, 25, 160, 160)),
    "faint": drawing(1).point(lambda value: 120 + value // 64),
    "fainter": drawing(1).point(lambda value: 120 + value // 200),
}


@pytest.mark.parametrize("view", ["whole", "middle", "crop_left"])
def test_a_likeness_is_that_of_slow_and_plain_code(view):
    pictures = small(*PICTURES.values())
    pairs = [(i, j) for i in range(len(pictures)) for j in range(len(pictures))]
    moving, fixed = (pictures[[pair[side] for pair in pairs]] for side in (0, 1))
    found = aligned_similarity(moving, fixed, view)
    wanted = [slow_likeness(one, other, view) for one, other in zip(moving, fixed, strict=True)]
    assert found == pytest.approx(wanted, abs=3e-4)
    assert found.dtype == np.float32


@pytest.mark.parametrize("view", ["whole", "middle"])
def test_the_roughest_slopes_are_those_of_8_cells(view):
    pictures = small(*PICTURES.values())
    left, top, right, bottom = (share * SIDE for share in CROPS[view])
    for found, picture in zip(coarse_gradients(pictures, view), pictures, strict=True):
        cells = mean_cells(picture, (left, top, SIDE - right, SIDE - bottom), 8)
        assert np.allclose(found, directed(cells), atol=1e-5)


def test_blocks_of_any_size_find_the_same(monkeypatch):
    pictures = small(*PICTURES.values())
    whole = aligned_similarity(pictures, pictures[::-1], "whole")
    monkeypatch.setattr(module, "CHUNK_PAIRS", 3)
    assert np.array_equal(aligned_similarity(pictures, pictures[::-1], "whole"), whole)


def test_slopes_are_faint_below_a_length_of_ten():
    found = module._normalise(np.array([[6.0, 8.0], [6.0, 7.99], [0.0, 0.0], [30.0, 40.0]]))
    assert found.tolist() == [[0.6, 0.8], [0, 0], [0, 0], [0.6, 0.8]]
