"""Near duplicates: those that hashes propose and thumbnails confirm, whatever the blocks they come in."""

import polars as pl
import pytest
from PIL import Image

from nearkin import near
from nearkin.inspection import with_hashes
from nearkin.near import hashes_of, near_pairs
from nearkin.tables.images import VIEWS, Inspection
from nearkin.thumbnails import thumbnail, unpacked
from tests.unit.deliveries import drawing

ARRAY = Inspection.columns()["view_hashes"].dtype
HOW = {"coarse_distance": 14, "least_likeness": 0.93, "moved": True}
CROPPED = drawing(1).crop((8, 8, 152, 152))
MIRRORED = drawing(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
TURNED = drawing(1).transpose(Image.Transpose.ROTATE_270)
WHITE = Image.new("L", (60, 60), 255)


def hashed(images):
    small = pl.Series([thumbnail(image) for image in images], dtype=pl.Binary)
    uuids = pl.Series([str(at) for at in range(len(images))], dtype=pl.String)
    return with_hashes(pl.DataFrame({"uuid": uuids, "thumbnail": small}))


def found(table, **how):
    small = unpacked(table["thumbnail"])
    return near_pairs(
        table["uuid"], hashes_of(table), lambda uuids: small[uuids.cast(pl.Int64).to_numpy()], **(HOW | how)
    )


def pairs(images, **how):
    """The near duplicates among images, as pairs of positions."""
    return found(hashed(images), **how).tolist()


def test_copies_that_were_changed_a_little_are_found_and_others_not():
    dark = drawing(1).point(lambda value: value * 2 // 3)
    images = [drawing(1), drawing(2), dark, drawing(1, side=90), drawing(3)]
    assert pairs(images) == [[0, 2], [0, 3], [2, 3]]


@pytest.mark.parametrize("copy", [CROPPED, MIRRORED, TURNED], ids=["cropped", "mirrored", "turned"])
def test_cropped_mirrored_and_turned_copies_are_found_from_either_side_unless_switched_off(copy):
    for images in ([drawing(2), drawing(1), copy], [drawing(2), copy, drawing(1)]):
        assert pairs(images) == [[1, 2]]
    assert pairs([drawing(1), MIRRORED, TURNED], moved=False) == []


def test_the_limits_of_distance_and_likeness():
    small = drawing(1, side=40)
    assert pairs([drawing(1), small]) == [[0, 1]]
    assert pairs([drawing(1), small], least_likeness=1.0) == []
    assert pairs([drawing(1), CROPPED], coarse_distance=0, moved=False) == []


def test_blank_images_are_no_near_duplicates():
    assert pairs([WHITE, WHITE, Image.new("L", (9, 9), 0), drawing(1)]) == []


def test_the_same_picture_many_times_is_tied_to_the_first():
    assert pairs([drawing(1)] * 4) == [[0, 1], [0, 2], [0, 3]]


def test_a_hash_that_many_share_proposes_nothing_and_is_logged(monkeypatch, caplog):
    monkeypatch.setattr(near, "CROWDED", 2)
    table = hashed([drawing(1, side) for side in (160, 161, 162)])
    table = table.with_columns(
        coarse_hash=pl.lit("0" * 16),
        view_hashes=pl.Series([[at] * len(VIEWS) for at in range(3)]).cast(ARRAY),
    )
    assert found(table, moved=False).tolist() == []
    assert "3 images have a hash that more than 2 share" in caplog.text


def test_small_blocks_and_thumbnails_read_piece_by_piece_give_the_same(monkeypatch):
    images = (
        [drawing(seed) for seed in range(5)] + [drawing(seed, side=70) for seed in (4, 2, 0)] + [MIRRORED]
    )
    expected = pairs(images)
    assert expected == [[0, 7], [1, 8], [2, 6], [4, 5]]
    monkeypatch.setattr(near, "AT_ONCE", 1)
    monkeypatch.setattr(near, "KEPT", 0)
    assert pairs(images) == expected


def test_a_long_search_is_announced(monkeypatch, caplog):
    monkeypatch.setattr(near, "LONG", 0)
    pairs([drawing(1), drawing(2)])
    assert "comparing 2 images within 14 bits takes about 0 minutes" in caplog.text


def test_nothing_among_nothing():
    assert pairs([drawing(1)]) == pairs([]) == []
