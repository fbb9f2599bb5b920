"""Folds and held-out species: each image is tested once, and each genus keeps a species."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.splits import assignment
from tests.factories import grouped_images
from tests.factories.grouped_images import in_sizes, split


def split_into_folds(labels, groups, folds, **other):
    return [split(labels, groups, folds=folds, fold=fold, **other) for fold in range(1, folds + 1)]


@settings(max_examples=60, deadline=None)
@given(grouped_images.structures(), st.integers(2, 5), st.integers(1, 2))
def test_each_image_is_tested_once_unless_its_species_is_not(pairs, folds, least):
    labels, groups = grouped_images.images(pairs)
    tables = split_into_folds(labels, groups, folds, min_test_groups=least)
    tested, outcomes = {}, {}
    for table in tables:
        grouped_images.assert_sound(labels, table)
        grouped_images.assert_reachable(labels, table, least=least)
        for uuid, split_name, reason in table.select("uuid", "split", "reason").rows():
            tested[uuid] = tested.get(uuid, 0) + (split_name == "test")
            outcomes.setdefault(uuid, set()).add((split_name == "unseen_species", reason))
    for uuid, outcome in outcomes.items():
        assert len(outcome) == 1  # the same in every fold
        assert tested[uuid] == (outcome == {(False, None)})


def test_folds_have_equal_size_and_train_and_val_keep_their_ratio():
    for table in split_into_folds(
        *in_sizes({f"Aa {name}": [1] * 101 for name in "abcd"}), 5, held_out_species=0
    ):
        counts = dict(table.group_by("split").len().iter_rows())
        assert 80 <= counts["test"] <= 84
        assert abs(counts["val"] - (404 - counts["test"]) * 0.15 / 0.65) <= 4


def test_surplus_groups_of_many_species_spread_over_the_folds():
    tables = split_into_folds(
        *in_sizes({f"Aa a{i:03}": [1] * 5 for i in range(200)}), 4, held_out_species=0, min_test_groups=1
    )
    assert all(210 <= len(table.filter(split="test")) <= 290 for table in tables)


def make_species(genera, able=True, unseen=False):
    """A table of species for `choose_held_out`, from the number of species per genus."""
    rows = [(genus, i) for genus, n in genera.items() for i in range(n)]
    names = pl.Series([f"{genus} {i}" for genus, i in rows])
    return pl.DataFrame(
        {"species": range(len(rows)), "category": "Fish", "genus": [genus for genus, _ in rows]}
    ).with_columns(able=pl.lit(able), unseen=pl.lit(unseen), number=assignment.hash_names(1, names))


def count_held_out(genera, share):
    table = make_species(genera)
    held_out = assignment.choose_held_out(table, share=share, by="genus")
    counts = table.filter(pl.col("species").is_in(held_out.implode())).group_by("genus").len()
    return dict(counts.iter_rows())


def test_held_out_species_spread_over_genera_that_keep_one():
    assert count_held_out({"Aa": 10, "Bb": 10, "Cc": 10, "Dd": 1}, 0.3) == {"Aa": 3, "Bb": 3, "Cc": 3}
    assert count_held_out({"Aa": 2, "Bb": 2, "Cc": 2, "Dd": 1}, 0.9) == {"Aa": 1, "Bb": 1, "Cc": 1}
    assert sum(count_held_out(dict.fromkeys("abcdefghij", 3), 0.1).values()) == 3


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 12), min_size=1), st.floats(0, 0.9))
def test_a_genus_holds_out_its_proportion_within_one(genera, share):
    n_held_out = count_held_out(genera, share)
    spare = {genus: n - 1 for genus, n in genera.items()}
    expected_total = min(round(share * sum(genera.values())), sum(spare.values()))
    assert sum(n_held_out.values()) == expected_total
    for genus, n in spare.items():
        expected = expected_total * n / max(sum(spare.values()), 1)
        assert abs(n_held_out.get(genus, 0) - expected) < 1 + 1e-9


def test_previously_held_out_species_count_towards_the_share():
    table = make_species({"Aa": 10}).with_columns(unseen=pl.col("species") < 2, able=pl.col("species") >= 2)
    for by in ("category", "genus"):
        held_out = assignment.choose_held_out(table, share=0.3, by=by)
        assert len(held_out) == 1
        assert held_out[0] >= 2


def make_category(numbers, *, unseen=(), genus=None, unable=()):
    """One category of species with these random numbers, for `choose_held_out`."""
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
    table = make_category([50, 20, 40, 10, 30, 60, 70, 80])
    assert assignment.choose_held_out(table, share=0.5, by="category").to_list() == [3, 1, 4, 2]
    assert assignment.choose_held_out(table, share=0.25, by="category").to_list() == [3, 1]
    assert assignment.choose_held_out(table, share=0.0, by="category").to_list() == []
    assert assignment.choose_held_out(table, share=0.0, by="genus").to_list() == []
    assert assignment.choose_held_out(make_category([7, 7, 7, 7]), share=0.5, by="category").to_list() == [
        0,
        1,
    ]


def test_each_category_holds_out_its_own_share():
    table = pl.concat(
        [make_category([4, 3, 2, 1]), make_category([8, 7, 6, 5]).with_columns(category=pl.lit("Bird"))]
    )
    table = table.with_columns(species=pl.int_range(pl.len()))
    assert sorted(assignment.choose_held_out(table, share=0.5, by="category")) == [2, 3, 6, 7]


def test_too_few_species_to_hold_out_are_logged(caplog):
    table = make_category([4, 3, 2, 1], unseen=[0, 3], unable=[1])
    assert assignment.choose_held_out(table, share=0.5, by="category").to_list() == []
    assert assignment.choose_held_out(table, share=0.25, by="category").to_list() == []
    assert assignment.choose_held_out(table, share=0.75, by="category").to_list() == [2]
    assert not caplog.text
    assert assignment.choose_held_out(table, share=1.0, by="category").to_list() == [2]
    assert "too few species can be held out: 1 of 2 in Fish" in caplog.text


def test_a_genus_with_held_out_species_still_keeps_one():
    genus = ["Aa", "Aa", "Aa", "Bb", "Bb", "Bb", "Cc"]
    table = make_category([1, 2, 3, 40, 50, 60, 70], genus=genus, unseen=[0, 1])
    assert assignment.choose_held_out(table, share=4 / 7, by="genus").to_list() == [3, 4]
    assert assignment.choose_held_out(table, share=1.0, by="genus").to_list() == [3, 4]
    assert assignment.choose_held_out(table, share=3 / 7, by="genus").to_list() == [3]


def test_held_out_species_are_evenly_spaced_over_genera():
    """The order is Bb (numbers 1, 5): 5, 3, then Aa (2, 4): 0, 1; each keeps its last."""
    genus = ["Aa", "Aa", "Aa", "Bb", "Bb", "Bb"]
    table = make_category([2, 4, 7, 5, 8, 1], genus=genus)
    assert assignment.choose_held_out(table, share=2 / 6, by="genus").to_list() == [5, 0]
    assert assignment.choose_held_out(table, share=3 / 6, by="genus").to_list() == [5, 3, 0]


TEST, VAL, TRAIN = range(3)


@pytest.mark.parametrize(
    ("sizes", "deficit", "needs", "splits"),
    [
        ([1, 1, 1], [1.0, 1.0, 1.0], (0, 0), [TEST, VAL, TRAIN]),  # equal deficits: in this order
        ([1, 1], [0.5, 1.0, 1.0], (0, 0), [VAL, TRAIN]),
        ([1, 1], [1.0, 0.5, 1.0], (0, 0), [TEST, TRAIN]),
        ([2, 1, 1], [3.0, 1.0, 1.5], (0, 0), [TEST, TRAIN, TEST]),
        ([2, 2, 1], [0.0, 3.0, 2.0], (0, 0), [VAL, TRAIN, VAL]),
        ([1, 1, 1, 1], [0.0, 9.0, 0.0], (2, 1), [TEST, TEST, TRAIN, VAL]),
        ([1, 1], [-1.0, -3.0, -2.5], (1, 0), [TEST, TEST]),
        ([5, 1, 1], [1.0, 0.0, 0.0], (0, 1), [TRAIN, TEST, TEST]),
    ],
)
def test_groups_fill_needs_first_and_then_the_largest_deficit(sizes, deficit, needs, splits):
    assert assignment._assign_in_order(sizes, deficit, n_test=needs[0], n_train=needs[1]) == splits


def test_folds_fill_in_turn_and_then_by_fewest_images():
    assert assignment._fill_folds([1, 1, 1, 1], 2, 1) == [0, 1, 0, 1]
    assert assignment._fill_folds([5, 1, 1, 1, 1], 2, 1) == [0, 1, 1, 1, 1]
    assert assignment._fill_folds([5, 1, 1, 1, 1], 2, 2) == [0, 1, 0, 1, 1]
    assert assignment._fill_folds([3, 2, 1, 1, 1, 1], 3, 1) == [0, 1, 2, 2, 1, 2]


def make_groups(*species):
    """A row per group from (species, n_images, number)."""
    return pl.DataFrame(
        species, schema={"species": pl.UInt32, "n_images": pl.Int64, "number": pl.UInt64}, orient="row"
    )


def make_existing(images, groups):
    return {"images": np.array(images), "groups": np.array(groups)}


SHARES = {"train": 0.5, "val": 0.25, "test": 0.25}


def test_a_species_is_split_if_it_has_enough_groups():
    existing = make_existing([[0, 0, 0]] * 2, [[0, 0, 0]] * 2)
    groups = make_groups((1, 1, 3), (0, 1, 1), (1, 1, 1), (0, 1, 2), (1, 1, 2))
    splits = assignment.assign_splits(groups, existing, shares=SHARES, min_test_groups=2)
    assert splits.tolist() == [TRAIN, -1, TEST, -1, TEST]
    splits = assignment.assign_splits(groups, existing, shares=SHARES, min_test_groups=1)
    assert splits.tolist() == [VAL, TEST, TEST, TRAIN, TRAIN]


def test_existing_images_of_a_species_are_counted():
    """Of 16 images train should have 8, val and test 4 each."""
    existing = make_existing([[0, 0, 0], [4, 0, 8]], [[0, 0, 0], [1, 0, 2]])
    groups = make_groups((1, 1, 1), (1, 1, 2), (1, 2, 3))
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
    untrained = make_existing([[0, 0, 0], [12, 0, 0]], [[0, 0, 0], [3, 0, 0]])
    assert assignment.assign_splits(groups, untrained, shares=SHARES, min_test_groups=1).tolist() == [
        TRAIN,
        TRAIN,
        TRAIN,
    ]
    one_group = make_groups((1, 1, 1))
    assert assignment.assign_splits(one_group, existing, shares=SHARES, min_test_groups=1).tolist() == [VAL]
    assert assignment.assign_splits(one_group, untrained, shares=SHARES, min_test_groups=4).tolist() == [-1]
    assert assignment.assign_splits(one_group, untrained, shares=SHARES, min_test_groups=3).tolist() == [
        TRAIN
    ]


def assign_all_folds(groups, folds, least, shares=SHARES):
    """The splits of the groups in every fold."""
    fold_settings = {"shares": shares, "folds": folds, "min_test_groups": least}
    return [
        assignment.assign_folds(groups, fold=fold, **fold_settings).tolist() for fold in range(1, folds + 1)
    ]


def test_the_first_of_two_folds_follows_the_random_number():
    even, odd = make_groups((0, 1, 4), (0, 1, 5)), make_groups((0, 1, 5), (0, 1, 7))
    assert assign_all_folds(even, 2, 1) == [[TEST, TRAIN], [TRAIN, TEST]]
    assert assign_all_folds(odd, 2, 1) == [[TRAIN, TEST], [TEST, TRAIN]]
    assert assign_all_folds(even, 2, 2) == [[-1, -1]] * 2


def test_train_and_val_share_the_other_folds_by_their_ratio():
    """Of 6 images outside the fold, val gets a third: 2; the first goes to train."""
    groups = make_groups(*((0, 1, 2 * number) for number in range(8)))
    [first, _, _, last] = assign_all_folds(groups, 4, 2)
    assert first == [TEST, TRAIN, TRAIN, VAL, TEST, TRAIN, VAL, TRAIN]
    assert last == [TRAIN, TRAIN, VAL, TEST, TRAIN, VAL, TRAIN, TEST]
    without_val = assign_all_folds(groups, 4, 2, shares={"train": 0.75, "val": 0.0, "test": 0.25})
    assert without_val[0] == [TEST, TRAIN, TRAIN, TRAIN, TEST, TRAIN, TRAIN, TRAIN]


def test_hashes_do_not_depend_on_the_chunk_size(monkeypatch):
    names = pl.Series([f"name {i}" for i in range(9)])
    whole = assignment.hash_names(1, names)
    monkeypatch.setattr(assignment, "HASH_CHUNK", 4)
    assert assignment.hash_names(1, names).tolist() == whole.tolist()


def test_a_species_with_many_test_groups_needs_a_train_group():
    existing = make_existing([[6, 0, 0]], [[3, 0, 0]])
    shares = {"train": 0.1, "val": 0.6, "test": 0.3}
    groups = make_groups((0, 1, 1), (0, 1, 2))
    assert assignment.assign_splits(groups, existing, shares=shares, min_test_groups=1).tolist() == [
        TRAIN,
        VAL,
    ]


def test_the_first_of_three_folds_follows_the_random_number():
    groups = make_groups((0, 1, 4), (0, 1, 5), (0, 1, 6))  # the remainder of 4 is 1
    test_folds = [splits.index(TEST) for splits in assign_all_folds(groups, 3, 1)]
    assert test_folds == [2, 0, 1]


def test_a_fold_assigns_only_one_group_to_train_first():
    groups = make_groups(*((0, 1, number) for number in (2, 3, 4, 5, 6, 7, 8, 9)))
    [first, _] = assign_all_folds(groups, 2, 2, shares={"train": 0.2, "val": 0.6, "test": 0.2})
    assert first == [TEST, TRAIN, TEST, VAL, TEST, VAL, TEST, VAL]
