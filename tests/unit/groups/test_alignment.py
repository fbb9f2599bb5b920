"""A crop, a darker or a smaller copy has a high similarity; another picture or a blank one does not."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nearkin.groups import alignment as module
from nearkin.groups.alignment import aligned_similarity, coarse_gradients
from nearkin.images.dhash import CROPS, SIDE, make_thumbnail, to_array, transform_view
from tests.factories.delivery import drawing


def make_thumbnails(*images):
    return to_array(pl.Series([make_thumbnail(image) for image in images]))


def compute_similarity(image, other, view="whole"):
    return float(
        aligned_similarity(transform_view(make_thumbnails(image), view), make_thumbnails(other), view)[0]
    )


def test_an_image_has_similarity_1_to_itself():
    assert compute_similarity(drawing(1), drawing(1)) == pytest.approx(1, abs=1e-5)


def test_brightness_and_contrast_do_not_change_the_similarity():
    dark = drawing(1).point(lambda value: 20 + value // 2)
    assert compute_similarity(drawing(1), dark) > 0.99


@pytest.mark.parametrize("cut", [(4, 4, 4, 4), (8, 0, 0, 0), (0, 3, 7, 0), (0, 0, 0, 8)])
def test_a_small_crop_is_aligned(cut):
    left, top, right, bottom = cut
    cropped = drawing(1).crop((left, top, 160 - right, 160 - bottom)).resize((120, 110))
    assert compute_similarity(drawing(1), cropped) > 0.97


def test_a_larger_crop_is_aligned_with_a_similar_view():
    cropped = drawing(1).crop((18, 0, 160, 160))
    assert compute_similarity(drawing(1), cropped, "crop_left") > 0.97


def test_different_pictures_have_low_similarity():
    similarities = [
        compute_similarity(drawing(seed), drawing(other_seed))
        for seed in range(6)
        for other_seed in range(6)
        if seed != other_seed
    ]
    assert max(similarities) < 0.8


def test_mirrored_and_rotated_views_match_their_copies():
    mirrored = drawing(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    rotated = drawing(1).transpose(Image.Transpose.ROTATE_90)
    assert compute_similarity(drawing(1), mirrored) < 0.8
    assert compute_similarity(drawing(1), mirrored, "mirrored") > 0.99
    assert compute_similarity(drawing(1), rotated, "rotated_90") > 0.99
    assert compute_similarity(rotated, drawing(1).transpose(Image.Transpose.ROTATE_270), "rotated_180") > 0.99


def test_blank_images_have_similarity_0():
    white, grey = (Image.new("L", (50, 50), value) for value in (255, 100))
    assert (
        compute_similarity(white, white)
        == compute_similarity(white, grey)
        == compute_similarity(white, drawing(1))
        == compute_similarity(drawing(1), white)
        == 0
    )


def test_the_similarity_of_a_pair_does_not_depend_on_others():
    thumbnails = make_thumbnails(*(drawing(seed) for seed in range(5)))
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


def compute_gradients(cells):
    return np.concatenate([(cells[1:] - cells[:-1]).ravel(), (cells[:, 1:] - cells[:, :-1]).ravel()])


def normalise(cells):
    """The gradients with length 1; zeros if they are shorter than half a grey level on average."""
    gradients = compute_gradients(cells)
    length = np.linalg.norm(gradients)
    return gradients / length if length >= 10 else 0 * gradients


def align_slowly(moving, fixed, view):
    """One pair, in float64: the best of six fits at 14 cells, two of the steps at 8."""
    left, top, right, bottom = (share * SIDE for share in CROPS[view])
    frame = np.array([left, top, SIDE - right, SIDE - bottom])
    full_frame = (0, 0, SIDE, SIDE)
    goal = normalise(mean_cells(fixed, full_frame, 14))
    best = [normalise(mean_cells(moving, frame, 14)) @ goal]
    for n in (8, 8, 14, 14, 14):
        cells = mean_cells(moving, frame, n)
        padded = np.pad(cells, 1, mode="edge")
        dx, dy = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
        centres = np.array([(2 * i + 1) / n - 1 for i in range(n)])
        basis = [cells, dx, dy, dx * centres[None], dy * centres[:, None]]
        basis = np.array([compute_gradients(part) for part in basis])
        target = normalise(mean_cells(fixed, full_frame, n))
        weights = np.linalg.solve(basis @ basis.T + 100 * np.eye(5), basis @ target)
        x, y, x_scale, y_scale = np.clip(weights[1:] / max(weights[0], 1e-3), -1.5, 1.5)
        width, height = (frame[2] - frame[0]) / n, (frame[3] - frame[1]) / n
        frame = frame + [
            (x - x_scale) * width,
            (y - y_scale) * height,
            (x + x_scale) * width,
            (y + y_scale) * height,
        ]
        frame = np.clip(frame, [0, 0, 0.8 * SIDE, 0.8 * SIDE], [0.2 * SIDE, 0.2 * SIDE, SIDE, SIDE])
        best.append(normalise(mean_cells(moving, frame, 14)) @ goal)
    return max(best)


PICTURES = {
    "original": drawing(1),
    "another": drawing(2),
    "cropped": drawing(1).crop((10, 6, 150, 158)),
    "a corner": drawing(1).crop((0, 0, 120, 135)),
    "off centre": drawing(1).crop((40, 25, 160, 160)),
    "faint": drawing(1).point(lambda value: 120 + value // 64),
    "fainter": drawing(1).point(lambda value: 120 + value // 200),
}


@pytest.mark.parametrize("view", ["whole", "middle", "crop_left"])
def test_similarities_equal_the_slow_reference(view):
    pictures = make_thumbnails(*PICTURES.values())
    pairs = [(i, j) for i in range(len(pictures)) for j in range(len(pictures))]
    moving, fixed = (pictures[[pair[index] for pair in pairs]] for index in (0, 1))
    similarities = aligned_similarity(moving, fixed, view)
    expected = [
        align_slowly(moving_image, fixed_image, view)
        for moving_image, fixed_image in zip(moving, fixed, strict=True)
    ]
    assert similarities == pytest.approx(expected, abs=3e-4)
    assert similarities.dtype == np.float32


@pytest.mark.parametrize("view", ["whole", "middle"])
def test_coarse_gradients_are_those_of_8_cells(view):
    pictures = make_thumbnails(*PICTURES.values())
    left, top, right, bottom = (share * SIDE for share in CROPS[view])
    for gradients, picture in zip(coarse_gradients(pictures, view), pictures, strict=True):
        cells = mean_cells(picture, (left, top, SIDE - right, SIDE - bottom), 8)
        assert np.allclose(gradients, normalise(cells), atol=1e-5)


def test_the_chunk_size_changes_no_similarity(monkeypatch):
    pictures = make_thumbnails(*PICTURES.values())
    whole = aligned_similarity(pictures, pictures[::-1], "whole")
    monkeypatch.setattr(module, "CHUNK_PAIRS", 3)
    assert np.array_equal(aligned_similarity(pictures, pictures[::-1], "whole"), whole)


def test_gradients_shorter_than_ten_become_zero():
    gradients = module._normalise(np.array([[6.0, 8.0], [6.0, 7.99], [0.0, 0.0], [30.0, 40.0]]))
    assert gradients.tolist() == [[0.6, 0.8], [0, 0], [0, 0], [0.6, 0.8]]
