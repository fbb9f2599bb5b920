"""Folds and held-out species: each image is tested once, and each genus keeps a species."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.splits import assignment
from tests.factories import grouped_images
from tests.factories.grouped_images import in_sizes, split


def in_folds(labels, groups, folds, **other):
    return [split(labels, groups, folds=folds, fold=fold, **other) for fold in range(1, folds + 1)]


@settings(max_examples=60, deadline=None)
@given(grouped_images.structures(), st.integers(2, 5), st.integers(1, 2))
def test_every_image_is_tested_in_one_fold_or_its_species_in_none(pairs, folds, least):
    labels, groups = grouped_images.images(pairs)
    tables = in_folds(labels, groups, folds, min_test_groups=least)
    tested, held_out = {}, {}
    for table in tables:
        grouped_images.assert_sound(labels, table)
        grouped_images.assert_reachable(labels, table, least=least)
        for uuid, side, reason in table.select("uuid", "split", "reason").rows():
            tested[uuid] = tested.get(uuid, 0) + (side == "test")
            held_out.setdefault(uuid, set()).add((side == "unseen_species", reason))
    for uuid, message in held_out.items():
        assert len(message) == 1  # the same in every fold
        assert tested[uuid] == (message == {(False, None)})


def test_folds_are_of_one_size_and_train_and_val_keep_their_ratio():
    for table in in_folds(*in_sizes({f"Aa {name}": [1] * 101 for name in "abcd"}), 5, held_out_species=0):
        counts = dict(table.group_by("split").len().iter_rows())
        assert 80 <= counts["test"] <= 84
        assert abs(counts["val"] - (404 - counts["test"]) * 0.15 / 0.65) <= 4


def test_the_odd_groups_of_many_species_are_not_all_in_one_fold():
    tables = in_folds(
        *in_sizes({f"Aa a{i:03}": [1] * 5 for i in range(200)}), 4, held_out_species=0, min_test_groups=1
    )
    assert all(210 <= len(table.filter(split="test")) <= 290 for table in tables)


def species(genera, able=True, unseen=False):
    """The species of so many genera, as `choose_held_out` takes them."""
    rows = [(genus, i) for genus, n in genera.items() for i in range(n)]
    names = pl.Series([f"{genus} {i}" for genus, i in rows])
    return pl.DataFrame(
        {"species": range(len(rows)), "category": "Fish", "genus": [genus for genus, _ in rows]}
    ).with_columns(able=pl.lit(able), unseen=pl.lit(unseen), number=assignment.hash_names(1, names))


def held_out_of(genera, share):
    table = species(genera)
    chosen = assignment.choose_held_out(table, share=share, by="genus")
    counts = table.filter(pl.col("species").is_in(chosen.implode())).group_by("genus").len()
    return dict(counts.iter_rows())


def test_held_out_species_are_spread_over_genera_and_each_keeps_one():
    assert held_out_of({"Aa": 10, "Bb": 10, "Cc": 10, "Dd": 1}, 0.3) == {"Aa": 3, "Bb": 3, "Cc": 3}
    assert held_out_of({"Aa": 2, "Bb": 2, "Cc": 2, "Dd": 1}, 0.9) == {"Aa": 1, "Bb": 1, "Cc": 1}
    assert sum(held_out_of(dict.fromkeys("abcdefghij", 3), 0.1).values()) == 3


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 12), min_size=1), st.floats(0, 0.9))
def test_a_genus_has_its_part_of_the_held_out_species_within_one(genera, share):
    found = held_out_of(genera, share)
    spare = {genus: n - 1 for genus, n in genera.items()}
    wanted = min(round(share * sum(genera.values())), sum(spare.values()))
    assert sum(found.values()) == wanted
    for genus, n in spare.items():
        part = wanted * n / max(sum(spare.values()), 1)
        assert abs(found.get(genus, 0) - part) < 1 + 1e-9


def test_species_that_are_held_out_already_count():
    table = species({"Aa": 10}).with_columns(unseen=pl.col("species") < 2, able=pl.col("species") >= 2)
    for by in ("category", "genus"):
        chosen = assignment.choose_held_out(table, share=0.3, by=by)
        assert len(chosen) == 1
        assert chosen[0] >= 2


def able(numbers, *, unseen=(), genus=None, unable=()):
    """One category of species with these random numbers, as `choose_held_out` takes them."""
    codes = list(range(len(numbers)))
    return pl.DataFrame(
        {
            "species": codes,
            "category": "Fish",
            "genus": genus or ["Aa"] * len(codes),
            "number": pl.Series(numbers, dtype=pl.UInt64),
            "able": [code not in (*unseen, *unable) for code in codes],
            "unseen": [code in unseen for code in codes],
        }
    )


def test_the_smallest_random_numbers_are_held_out():
    table = able([50, 20, 40, 10, 30, 60, 70, 80])
    assert assignment.choose_held_out(table, share=0.5, by="category").to_list() == [3, 1, 4, 2]
    assert assignment.choose_held_out(table, share=0.25, by="category").to_list() == [3, 1]
    assert assignment.choose_held_out(table, share=0.0, by="category").to_list() == []
    assert assignment.choose_held_out(table, share=0.0, by="genus").to_list() == []
    assert assignment.choose_held_out(able([7, 7, 7, 7]), share=0.5, by="category").to_list() == [0, 1]


def test_each_category_holds_out_its_own_share():
    table = pl.concat([able([4, 3, 2, 1]), able([8, 7, 6, 5]).with_columns(category=pl.lit("Bird"))])
    table = table.with_columns(species=pl.int_range(pl.len()))
    assert sorted(assignment.choose_held_out(table, share=0.5, by="category")) == [2, 3, 6, 7]


def test_species_held_out_already_count_and_a_lack_is_logged(caplog):
    table = able([4, 3, 2, 1], unseen=[0, 3], unable=[1])
    assert assignment.choose_held_out(table, share=0.5, by="category").to_list() == []
    assert assignment.choose_held_out(table, share=0.25, by="category").to_list() == []
    assert assignment.choose_held_out(table, share=0.75, by="category").to_list() == [2]
    assert not caplog.text
    assert assignment.choose_held_out(table, share=1.0, by="category").to_list() == [2]
    assert "too few species can be held out: 1 of 2 in Fish" in caplog.text


def test_a_genus_keeps_a_species_in_addition_to_those_held_out_already():
    genus = ["Aa", "Aa", "Aa", "Bb", "Bb", "Bb", "Cc"]
    table = able([1, 2, 3, 40, 50, 60, 70], genus=genus, unseen=[0, 1])
    assert assignment.choose_held_out(table, share=4 / 7, by="genus").to_list() == [3, 4]
    assert assignment.choose_held_out(table, share=1.0, by="genus").to_list() == [3, 4]
    assert assignment.choose_held_out(table, share=3 / 7, by="genus").to_list() == [3]


def test_held_out_species_are_taken_evenly_from_the_row_of_genera():
    """The order is Bb (numbers 1, 5): 5, 3, then Aa (2, 4): 0, 1; each keeps its last. Take every second."""
    genus = ["Aa", "Aa", "Aa", "Bb", "Bb", "Bb"]
    table = able([2, 4, 7, 5, 8, 1], genus=genus)
    assert assignment.choose_held_out(table, share=2 / 6, by="genus").to_list() == [5, 0]
    assert assignment.choose_held_out(table, share=3 / 6, by="genus").to_list() == [5, 3, 0]


TEST, VAL, TRAIN = range(3)


@pytest.mark.parametrize(
    ("sizes", "deficit", "needs", "sides"),
    [
        ([1, 1, 1], [1.0, 1.0, 1.0], (0, 0), [TEST, VAL, TRAIN]),  # equally short: in this order
        ([1, 1], [0.5, 1.0, 1.0], (0, 0), [VAL, TRAIN]),
        ([1, 1], [1.0, 0.5, 1.0], (0, 0), [TEST, TRAIN]),
        ([2, 1, 1], [3.0, 1.0, 1.5], (0, 0), [TEST, TRAIN, TEST]),
        ([2, 2, 1], [0.0, 3.0, 2.0], (0, 0), [VAL, TRAIN, VAL]),
        ([1, 1, 1, 1], [0.0, 9.0, 0.0], (2, 1), [TEST, TEST, TRAIN, VAL]),
        ([1, 1], [-1.0, -3.0, -2.5], (1, 0), [TEST, TEST]),
        ([5, 1, 1], [1.0, 0.0, 0.0], (0, 1), [TRAIN, TEST, TEST]),
    ],
)
def test_groups_go_where_most_is_lacking_after_what_is_needed(sizes, deficit, needs, sides):
    assert assignment._assign_in_order(sizes, deficit, n_test=needs[0], n_train=needs[1]) == sides


def test_folds_are_filled_in_turn_and_then_where_fewest_images_are():
    assert assignment._fill_folds([1, 1, 1, 1], 2, 1) == [0, 1, 0, 1]
    assert assignment._fill_folds([5, 1, 1, 1, 1], 2, 1) == [0, 1, 1, 1, 1]
    assert assignment._fill_folds([5, 1, 1, 1, 1], 2, 2) == [0, 1, 0, 1, 1]
    assert assignment._fill_folds([3, 2, 1, 1, 1, 1], 3, 1) == [0, 1, 2, 2, 1, 2]


def groups_of(*species):
    """A row per group from (species, n_images, number)."""
    return pl.DataFrame(
        species, schema={"species": pl.UInt32, "n_images": pl.Int64, "number": pl.UInt64}, orient="row"
    )


def existing_of(images, groups):
    return {"images": np.array(images), "groups": np.array(groups)}


SHARES = {"train": 0.5, "val": 0.25, "test": 0.25}


def test_a_species_with_just_enough_groups_is_split_one_with_fewer_is_not():
    nothing = existing_of([[0, 0, 0]] * 2, [[0, 0, 0]] * 2)
    groups = groups_of((1, 1, 3), (0, 1, 1), (1, 1, 1), (0, 1, 2), (1, 1, 2))
    found = assignment.assign_splits(groups, nothing, shares=SHARES, min_test_groups=2)
    assert found.tolist() == [TRAIN, -1, TEST, -1, TEST]
    found = assignment.assign_splits(groups, nothing, shares=SHARES, min_test_groups=1)
    assert found.tolist() == [VAL, TEST, TEST, TRAIN, TRAIN]


def test_what_a_species_has_on_its_sides_already_is_counted():
    """Of 16 images train should have 8, val and test 4 each."""
    existing = existing_of([[0, 0, 0], [4, 0, 8]], [[0, 0, 0], [1, 0, 2]])
    groups = groups_of((1, 1, 1), (1, 1, 2), (1, 2, 3))
    assert assignment.assign_splits(groups, existing, shares=SHARES, min_test_groups=1).tolist() == [
        VAL,
        VAL,
        VAL,
    ]
    assert assignment.assign_splits(groups, existing, shares=SHARES, min_test_groups=3).tolist() == [
        TEST,
        TEST,
        VAL,
    ]
    assert assignment.assign_splits(groups, existing, shares=SHARES, min_test_groups=5).tolist() == [-1] * 3
    untrained = existing_of([[0, 0, 0], [12, 0, 0]], [[0, 0, 0], [3, 0, 0]])
    assert assignment.assign_splits(groups, untrained, shares=SHARES, min_test_groups=1).tolist() == [
        TRAIN,
        TRAIN,
        TRAIN,
    ]
    alone = groups_of((1, 1, 1))
    assert assignment.assign_splits(alone, existing, shares=SHARES, min_test_groups=1).tolist() == [VAL]
    assert assignment.assign_splits(alone, untrained, shares=SHARES, min_test_groups=4).tolist() == [-1]
    assert assignment.assign_splits(alone, untrained, shares=SHARES, min_test_groups=3).tolist() == [TRAIN]


def folds_of(groups, folds, least, shares=SHARES):
    """The splits of the groups in every fold."""
    asked = {"shares": shares, "folds": folds, "min_test_groups": least}
    return [assignment.assign_folds(groups, fold=fold, **asked).tolist() for fold in range(1, folds + 1)]


def test_folds_begin_at_the_random_number():
    even, odd = groups_of((0, 1, 4), (0, 1, 5)), groups_of((0, 1, 5), (0, 1, 7))
    assert folds_of(even, 2, 1) == [[TEST, TRAIN], [TRAIN, TEST]]
    assert folds_of(odd, 2, 1) == [[TRAIN, TEST], [TEST, TRAIN]]
    assert folds_of(even, 2, 2) == [[-1, -1]] * 2


def test_in_a_fold_train_and_val_share_the_rest_by_their_ratio():
    """Of 6 images outside the fold, val gets a third: 2; the first goes to train."""
    groups = groups_of(*((0, 1, 2 * number) for number in range(8)))
    [first, _, _, last] = folds_of(groups, 4, 2)
    assert first == [TEST, TRAIN, TRAIN, VAL, TEST, TRAIN, VAL, TRAIN]
    assert last == [TRAIN, TRAIN, VAL, TEST, TRAIN, VAL, TRAIN, TEST]
    without = folds_of(groups, 4, 2, shares={"train": 0.75, "val": 0.0, "test": 0.25})
    assert without[0] == [TEST, TRAIN, TRAIN, TRAIN, TEST, TRAIN, TRAIN, TRAIN]


def test_names_are_hashed_the_same_in_any_blocks(monkeypatch):
    names = pl.Series([f"name {i}" for i in range(9)])
    whole = assignment.hash_names(1, names)
    monkeypatch.setattr(assignment, "HASH_CHUNK", 4)
    assert assignment.hash_names(1, names).tolist() == whole.tolist()


def test_a_species_with_many_test_groups_still_needs_one_of_train():
    existing = existing_of([[6, 0, 0]], [[3, 0, 0]])
    shares = {"train": 0.1, "val": 0.6, "test": 0.3}
    groups = groups_of((0, 1, 1), (0, 1, 2))
    assert assignment.assign_splits(groups, existing, shares=shares, min_test_groups=1).tolist() == [
        TRAIN,
        VAL,
    ]


def test_three_folds_begin_at_the_random_number():
    groups = groups_of((0, 1, 4), (0, 1, 5), (0, 1, 6))  # 4 is 1 more than 3
    tested = [sides.index(TEST) for sides in folds_of(groups, 3, 1)]
    assert tested == [2, 0, 1]


def test_in_a_fold_one_group_and_no_more_goes_to_train_first():
    groups = groups_of(*((0, 1, number) for number in (2, 3, 4, 5, 6, 7, 8, 9)))
    [first, _] = folds_of(groups, 2, 2, shares={"train": 0.2, "val": 0.6, "test": 0.2})
    assert first == [TEST, TRAIN, TEST, VAL, TEST, VAL, TEST, VAL]
