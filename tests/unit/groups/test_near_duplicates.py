"""Near duplicates: hashes propose pairs, thumbnails confirm them, and the chunk size does not matter."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nearkin.groups import near_duplicates
from nearkin.groups.near_duplicates import near_duplicate_pairs, stack_hashes
from nearkin.images.dhash import make_thumbnail, to_array
from nearkin.images.inspect import add_hashes
from nearkin.tables.images import VIEWS, Inspection
from tests.factories.delivery import drawing

ARRAY = Inspection.columns()["dhash_of_views"].dtype
SETTINGS = {"max_hamming": 14, "min_similarity": 0.93, "detect_transformed": True}
CROPPED = drawing(1).crop((8, 8, 152, 152))
MIRRORED = drawing(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
ROTATED = drawing(1).transpose(Image.Transpose.ROTATE_270)
WHITE = Image.new("L", (60, 60), 255)


def hash_images(images):
    thumbnails = pl.Series([make_thumbnail(image) for image in images], dtype=pl.Binary)
    uuids = pl.Series([str(at) for at in range(len(images))], dtype=pl.String)
    return add_hashes(pl.DataFrame({"uuid": uuids, "thumbnail": thumbnails}))


def find_in_table(table, **how):
    thumbnails = to_array(table["thumbnail"])
    return near_duplicate_pairs(
        table["uuid"],
        stack_hashes(table),
        lambda uuids: thumbnails[uuids.cast(pl.Int64).to_numpy()],
        **(SETTINGS | how),
    )


def find_pairs(images, **how):
    """The near duplicates among images, as pairs of positions."""
    return find_in_table(hash_images(images), **how).tolist()


def test_slightly_changed_copies_are_found_and_others_not():
    dark = drawing(1).point(lambda value: value * 2 // 3)
    images = [drawing(1), drawing(2), dark, drawing(1, side=90), drawing(3)]
    assert find_pairs(images) == [[0, 2], [0, 3], [2, 3]]


@pytest.mark.parametrize("copy", [CROPPED, MIRRORED, ROTATED], ids=["cropped", "mirrored", "rotated"])
def test_transformed_copies_are_found_unless_disabled(copy):
    for images in ([drawing(2), drawing(1), copy], [drawing(2), copy, drawing(1)]):
        assert find_pairs(images) == [[1, 2]]
    assert find_pairs([drawing(1), MIRRORED, ROTATED], detect_transformed=False) == []


def test_distance_and_similarity_have_limits():
    small = drawing(1, side=40)
    assert find_pairs([drawing(1), small]) == [[0, 1]]
    assert find_pairs([drawing(1), small], min_similarity=1.0) == []
    assert find_pairs([drawing(1), CROPPED], max_hamming=0, detect_transformed=False) == []


def test_blank_images_are_not_near_duplicates():
    assert find_pairs([WHITE, WHITE, Image.new("L", (9, 9), 0), drawing(1)]) == []


def test_equal_pictures_link_to_the_first():
    assert find_pairs([drawing(1)] * 4) == [[0, 1], [0, 2], [0, 3]]


def test_a_hash_shared_by_too_many_proposes_nothing(monkeypatch, caplog):
    monkeypatch.setattr(near_duplicates, "MAX_BUCKET", 2)
    table = hash_images([drawing(1, side) for side in (160, 161, 162)])
    table = table.with_columns(
        dhash=pl.lit("0" * 16),
        dhash_of_views=pl.Series([[at] * len(VIEWS) for at in range(3)]).cast(ARRAY),
    )
    assert find_in_table(table, detect_transformed=False).tolist() == []
    assert "3 images have a hash that more than 2 share" in caplog.text


def test_chunks_and_uncached_thumbnails_give_the_same_pairs(monkeypatch):
    images = (
        [drawing(seed) for seed in range(5)] + [drawing(seed, side=70) for seed in (4, 2, 0)] + [MIRRORED]
    )
    expected = find_pairs(images)
    assert expected == [[0, 7], [1, 8], [2, 6], [4, 5]]
    monkeypatch.setattr(near_duplicates, "CHUNK_ROWS", 1)
    monkeypatch.setattr(near_duplicates, "MAX_CACHED", 0)
    assert find_pairs(images) == expected


def test_a_long_search_is_announced(monkeypatch, caplog):
    monkeypatch.setattr(near_duplicates, "WARN_SECONDS", 0)
    find_pairs([drawing(1), drawing(2)])
    assert "comparing 2 images within 14 bits takes about 0 minutes" in caplog.text


def test_fewer_than_two_images_have_no_pairs():
    assert find_pairs([drawing(1)]) == find_pairs([]) == []


def set_similarity(monkeypatch, value):
    monkeypatch.setattr(
        near_duplicates, "aligned_similarity", lambda moving, fixed, view: np.full(len(moving), value)
    )
    monkeypatch.setattr(
        near_duplicates, "coarse_gradients", lambda thumbnails, view: np.ones((len(thumbnails), 1))
    )


@pytest.mark.parametrize(("value", "expected"), [(0.75, [[0, 1]]), (0.7499, [])])
def test_whole_images_need_the_minimum_similarity(monkeypatch, value, expected):
    set_similarity(monkeypatch, value)
    assert (
        find_pairs([drawing(1), drawing(1, side=90)], min_similarity=0.75, detect_transformed=False)
        == expected
    )


@pytest.mark.parametrize(("value", "expected"), [(0.875, [[0, 1]]), (0.8749, [])])
@pytest.mark.parametrize("copy", [MIRRORED, ROTATED], ids=["mirrored", "rotated"])
def test_mirrored_and_rotated_copies_need_more_similarity(monkeypatch, copy, value, expected):
    set_similarity(monkeypatch, value)
    assert find_pairs([drawing(1), copy], min_similarity=0.75) == expected


@pytest.mark.parametrize(("cosine", "expected"), [(0.6, [[0, 1]]), (0.59, [])])
def test_only_pairs_above_the_coarse_cosine_are_aligned(monkeypatch, cosine, expected):
    gradients = {"whole": np.array([[cosine]] * 2), VIEWS[0]: np.ones((2, 1))}
    monkeypatch.setattr(
        near_duplicates, "coarse_gradients", lambda thumbnails, view: gradients[view][: len(thumbnails)]
    )
    n_aligned = []

    def record_similarity(moving, fixed, view):
        n_aligned.append(len(moving))
        return np.ones(len(moving))

    monkeypatch.setattr(near_duplicates, "aligned_similarity", record_similarity)
    confirmed = near_duplicates._confirm_pairs(
        np.array([0]), np.array([1]), np.array([1]), lambda rows: np.zeros((len(rows), 32, 32), np.uint8), 0.9
    )
    assert confirmed.tolist() == expected and n_aligned == [len(expected)]


def test_a_hash_shared_by_the_maximum_still_proposes(monkeypatch):
    monkeypatch.setattr(near_duplicates, "MAX_BUCKET", 2)
    table = hash_images([drawing(1, side) for side in (160, 161, 162)])
    table = table.with_columns(
        dhash=pl.Series(["0" * 16, "0" * 16, "f" * 16]),
        dhash_of_views=pl.Series([[at] * len(VIEWS) for at in range(3)]).cast(ARRAY),
    )
    assert find_in_table(table, detect_transformed=False).tolist() == [[0, 1]]


def test_rows_are_sorted_by_hash_without_oversized_buckets(monkeypatch):
    monkeypatch.setattr(near_duplicates, "MAX_BUCKET", 2)
    hashes = np.array([9, 5, 9, 7, 9, 5], dtype=np.uint64)
    table = near_duplicates._sort_by_hash(hashes, np.arange(10, 16))
    assert [column.tolist() for column in table] == [[5, 7], [0, 2], [2, 1], [11, 15, 13]]
    [(first, second)] = near_duplicates._expand_rows(table, np.array([0, 1]), table, np.array([1, 0]))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(11, 13), (15, 13), (13, 11), (13, 15)]


def test_leaders_are_the_first_rows_of_equal_hashes():
    hashes = np.array([[1, 2], [1, 3], [1, 2], [4, 2], [1, 3], [1, 2]], dtype=np.uint64)
    assert near_duplicates._find_leaders(hashes).tolist() == [0, 1, 0, 3, 1, 0]


def test_stacked_hashes_are_of_the_image_then_of_its_views():
    table = pl.DataFrame(
        {"dhash": ["ffffffffffffffff", "10"], "dhash_of_views": [list(range(len(VIEWS)))] * 2},
        schema_overrides={"dhash_of_views": ARRAY},
    )
    assert stack_hashes(table).tolist() == [[2**64 - 1, *range(len(VIEWS))], [16, *range(len(VIEWS))]]


def test_at_most_1000_images_may_share_a_hash():
    hashes = np.zeros(1000, dtype=np.uint64)
    assert near_duplicates._sort_by_hash(hashes, np.arange(1000)).n_rows.tolist() == [1000]
    assert near_duplicates._sort_by_hash(np.append(hashes, hashes[:1]), np.arange(1001)).n_rows.tolist() == []


def test_views_are_proposed_in_both_directions():
    """Row 0 looks like row 2 as a whole, and the first view of row 2 and of row 1 like row 1 and row 2."""
    far = [2**63 + (1 << i) for i in range(2, 20)]  # these differ from 0, 1 and each other in 2 bits or more
    hashes = np.array([[0, far[0], far[1]], [15, 240, far[2]], [0, 15, far[3]], [240, far[4], far[5]]])
    proposed = {
        (int(first), int(second), int(view))
        for block in near_duplicates._propose_pairs(hashes.astype(np.uint64), 0, True)
        for first, second, view in zip(*block, strict=True)
    }
    assert proposed == {(0, 2, 0), (2, 1, 1), (1, 3, 1)}


def test_leaders_of_hash_pairs_are_the_first_rows():
    hashes = np.array([[1, 2], [3, 4], [1, 2], [5, 6]], dtype=np.uint64)
    assert near_duplicates._find_leaders(hashes).tolist() == [0, 1, 0, 3]


@pytest.mark.parametrize(("chunk_rows", "sizes"), [(1, [2, 1, 3]), (3, [3, 3]), (4, [6]), (99, [6])])
def test_blocks_are_merged_up_to_the_chunk_size(monkeypatch, chunk_rows, sizes):
    monkeypatch.setattr(near_duplicates, "CHUNK_ROWS", chunk_rows)
    blocks = [
        (np.arange(2), np.arange(2) + 5),
        (np.array([2]), np.array([7])),
        (np.arange(3, 6), np.arange(8, 11)),
    ]
    merged = list(near_duplicates._merge_blocks(blocks))
    assert [len(first) for first, _ in merged] == sizes
    assert [np.concatenate(column).tolist() for column in zip(*merged, strict=True)] == [
        list(range(6)),
        list(range(5, 11)),
    ]


def test_nothing_is_logged_without_oversized_buckets(caplog):
    near_duplicates._announce(5, 5, 1, 4)
    assert caplog.text == ""
