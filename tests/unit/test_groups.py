"""Images that belong together, whatever the order of rows; strangers stay apart."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.groups import grouped, near_pairs
from nearkin.tables.splits import Groups
from tests.unit.deliveries import images_of, inspection_of
from tests.unit.drawn import labels_of

NEAR = {"coarse_distance": 14, "fine_distance": 64, "colour_distance": 12}


def study(n, of_number=None, species=None):
    """Labels and inspection of n images; `of_number` replaces what was found in some of them."""
    labels = labels_of(species or ["Aus bus"] * n)
    images = images_of([{"uuid": row["uuid"], "path": row["path"]} for row in labels.iter_rows(named=True)])
    of_path = {f"{number}.jpg": found for number, found in (of_number or {}).items()}
    return labels, inspection_of(images, of_path)


def group(labels, inspection, specimen=(), near_duplicates=NEAR):
    groups = grouped(labels, inspection, specimen=specimen, near_duplicates=near_duplicates)
    Groups.validate(groups)
    return groups.join(labels.select("uuid"), on="uuid", maintain_order="right")


def flipped(text, n_bits):
    """Hexadecimal text with its first bits turned over."""
    mask = ((1 << n_bits) - 1) << (4 * len(text) - n_bits)
    return f"{int(text, 16) ^ mask:0{len(text)}x}"


def test_strangers_are_alone():
    groups = group(*study(5))
    assert groups["group_id"].to_list() == groups["uuid"].to_list()
    assert groups["ties"].to_list() == [""] * 5


def test_same_bytes_are_one_group_of_the_smallest_uuid():
    labels, inspection = study(4, {0: {"sha256": "x"}, 2: {"sha256": "x"}, 3: {"sha256": "x"}})
    groups = group(labels, inspection, near_duplicates=None)
    smallest = min(labels["uuid"].gather([0, 2, 3]))
    assert groups["group_id"].to_list() == [smallest, labels["uuid"][1], smallest, smallest]
    assert groups["ties"].to_list() == ["bytes", "", "bytes", "bytes"]


@pytest.mark.parametrize(
    ("coarse", "fine", "colour", "near"),
    [
        (0, 0, 0, True),
        (14, 64, 12, True),
        (15, 64, 12, False),
        (14, 65, 12, False),
        (14, 64, 13, False),
        (0, 32, 36, True),  # the same picture, brighter
        (0, 33, 36, False),
        (0, 32, 37, False),
    ],
)
def test_near_duplicates_at_the_limits(coarse, fine, colour, near):
    hashes = {"coarse_hash": "0f" * 8, "fine_hash": "5a" * 32, "colours": "40" * 48}
    moved = {
        "coarse_hash": flipped(hashes["coarse_hash"], coarse),
        "fine_hash": flipped(hashes["fine_hash"], fine),
        "colours": f"{0x40 + colour:02x}" * 48,
    }
    _, inspection = study(2, {0: hashes, 1: moved})
    assert near_pairs(inspection, **NEAR).tolist() == ([[0, 1]] if near else [])


def test_near_duplicates_stay_within_a_category():
    labels, inspection = study(4)
    alike = pl.lit("0" * 16), pl.lit("0" * 64), pl.lit("0" * 96)
    inspection = inspection.with_columns(coarse_hash=alike[0], fine_hash=alike[1], colours=alike[2])
    labels = labels.with_columns(category=pl.Series(["Fish", "Bird", "Fish", "Bird"]))
    groups = group(labels, inspection)
    first, second, third, fourth = groups["group_id"]
    assert (first == third, second == fourth, first == second) == (True, True, False)
    assert set(groups["ties"]) == {"near_duplicate"}


def test_specimens_by_file_name_and_chains_of_ties():
    labels, inspection = study(4, {2: {"sha256": "x"}, 3: {"sha256": "x"}})
    paths = pl.Series(["a/fish_7_1.png", "fish_8_1.png", "b/fish_7_2.png", "other.png"])
    groups = group(labels.with_columns(path=paths), inspection, specimen=["^fish_(\\d+)_"])
    assert groups["group_id"].n_unique() == 2
    assert groups["ties"].to_list() == ["specimen", "", "bytes+specimen", "bytes"]
    with pytest.raises(ValueError, match="has 0 groups in brackets"):
        group(labels, inspection, specimen=["^fish_"])


def test_a_group_of_several_species_is_logged(caplog):
    study_ = study(2, {0: {"sha256": "x"}, 1: {"sha256": "x"}}, species=["Aus bus", "Aus cus"])
    assert group(*study_)["group_id"].n_unique() == 1
    assert "several species (Aus bus, Aus cus)" in caplog.text


def test_an_image_without_inspection_is_an_error():
    labels, inspection = study(3)
    with pytest.raises(ValueError, match="1 kept images were not inspected"):
        group(labels, inspection.head(2))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 60))
def test_near_pairs_are_those_of_a_plain_double_loop(seed, n):
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 256, (4, 88), dtype=np.uint8)
    rows = base[rng.integers(0, 4, n)].copy()
    flips = rng.random((n, 88)) < rng.choice([0, 0.02, 0.1])
    rows[flips] ^= 1 << rng.integers(0, 8, flips.sum()).astype(np.uint8)
    texts = [[row[:8].tobytes().hex(), row[8:40].tobytes().hex(), row[40:].tobytes().hex()] for row in rows]
    table = pl.DataFrame(texts, schema=["coarse_hash", "fine_hash", "colours"], orient="row")
    expected = []
    for i in range(n):
        for j in range(i + 1, n):
            coarse = np.bitwise_count(rows[i, :8] ^ rows[j, :8]).sum()
            fine = np.bitwise_count(rows[i, 8:40] ^ rows[j, 8:40]).sum()
            colour = np.abs(rows[i, 40:].astype(int) - rows[j, 40:]).mean()
            if coarse <= 14 and fine <= 64 and colour <= (36 if fine <= 32 else 12):
                expected.append((i, j))
    components, found = _components(n, expected), near_pairs(table, **NEAR)
    assert _components(n, found.tolist()) == components
    assert set(map(tuple, found.tolist())) <= set(expected)


def _components(n, pairs):
    group = list(range(n))
    for i, j in pairs:
        group = [group[i] if other == group[j] else other for other in group]
    return [group.index(one) for one in group]


def test_the_order_of_rows_does_not_matter():
    labels, inspection = study(30, {n: {"sha256": str(n % 7)} for n in range(12)})
    expected = grouped(labels, inspection, specimen=["(1)"], near_duplicates=NEAR)
    shuffled = grouped(
        labels.sample(fraction=1, shuffle=True, seed=1),
        inspection.reverse(),
        specimen=["(1)"],
        near_duplicates=NEAR,
    )
    assert shuffled.sort("uuid").equals(expected.sort("uuid"))
