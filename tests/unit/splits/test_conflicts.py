"""With predefined splits no image moves, new images follow or are excluded, and nothing leaks."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.evaluation import invariants
from nearkin.splits import predefined
from tests.factories import grouped_images
from tests.factories.grouped_images import split

SPLITS = st.sampled_from(["train", "val", "test", "unseen_species"])


def split_again(labels, groups, previous, **other):
    return split(labels, groups, predefined.read_previous(previous), **other)


def split_delivered(labels, groups, splits, **other):
    """The splits after reading delivered ones, one per image or None."""
    delivered = labels.select("uuid", split=pl.Series(splits, dtype=pl.String))
    return split(labels, groups, predefined.read_delivered(delivered), **other)


def list_assignments(table, labels):
    """(split, reason) of the images in the order of `labels`."""
    return labels.select("uuid").join(table, on="uuid", how="left", maintain_order="left")


def merge_groups(pairs, ties):
    """The pairs after a merge of groups: `ties` are sets of groups that became one."""
    current_group = {group: group for _, group in pairs}
    for tie in ties:
        tied_groups = {current_group[group] for group in tie if group in current_group}
        current_group = {
            group: min(tied_groups) if current in tied_groups else current
            for group, current in current_group.items()
        }
    return [(species, current_group[group]) for species, group in pairs]


@st.composite
def draw_growth(draw):
    """Pairs of (species, group), how many exist at first and in between, and the groups newcomers link."""
    pairs = [
        (name, i if single else group)
        for i, (name, group, single) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        st.sampled_from(grouped_images.SPECIES[:5]), st.integers(100, 112), st.booleans()
                    ),
                    min_size=3,
                    max_size=50,
                )
            )
        )
    ]
    first, second = sorted(draw(st.lists(st.integers(1, len(pairs)), min_size=2, max_size=2)))
    ties = {}
    for newcomer in range(first, len(pairs)):
        others = draw(st.lists(st.integers(0, newcomer - 1), max_size=2))
        ties[newcomer] = {pairs[i][1] for i in [*others, newcomer]}
    return pairs, first, second, ties


@settings(max_examples=40, deadline=None)
@given(draw_growth(), st.integers(0, 3))
def test_two_growths_move_no_old_image_and_leak_nothing(growth, seed):
    pairs, first, second, ties = growth
    table = None
    for n in (first, second, len(pairs)):
        pairs_so_far = merge_groups(pairs[:n], [tie for newcomer, tie in ties.items() if newcomer < n])
        labels, groups = grouped_images.images(pairs_so_far)
        old = table
        table = (
            split(labels, groups, seed=seed) if old is None else split_again(labels, groups, old, seed=seed)
        )
        grouped_images.assert_sound(labels, table)
        invariants.check_cut_groups_excluded(table, groups)
        if old is not None:
            assert table.equals(split_again(labels.reverse(), groups.reverse(), old.reverse(), seed=seed))
            assert table.join(old, on=["uuid", "split"]).height == len(old)
            assert_newcomers_follow(labels, groups, old, table)


def assert_newcomers_follow(labels, groups, old, table):
    """A new image joins the split of its group if trained species have it; excluded ones have evidence."""
    unseen = labels.join(old.filter(split="unseen_species"), on="uuid")["species"].unique()
    for _, members in (
        groups.join(table.select("uuid", "split", "reason", "evidence"), on="uuid")
        .join(old.select("uuid", before="split"), on="uuid", how="left")
        .join(labels.select("uuid", "species"), on="uuid")
        .group_by("group_id")
    ):
        old_splits = set(members["before"].drop_nulls()) - {"excluded"}
        newcomers = members.filter(pl.col("before").is_null())
        if len(old_splits) > 1:
            assert set(newcomers["split"]) <= {"excluded"}
        elif old_splits and old_splits != {"unseen_species"}:
            follow = newcomers.filter(~pl.col("species").is_in(unseen.implode()))
            assert set(follow["split"]) <= old_splits
            assert set(follow["reason"]) <= {"follows_group"}
    excluded = table.filter(split="excluded")
    assert set(excluded["reason"]) <= {"would_leak"}
    assert excluded["evidence"].null_count() == 0


@settings(max_examples=40, deadline=None)
@given(grouped_images.structures(), st.data())
def test_delivered_splits_are_kept_or_excluded(pairs, data):
    labels, groups = grouped_images.images(pairs)
    splits = data.draw(st.lists(st.none() | SPLITS, min_size=len(pairs), max_size=len(pairs)))
    if not any(splits):
        return
    table = split_delivered(labels, groups, splits)
    grouped_images.assert_sound(labels, table)
    invariants.check_cut_groups_excluded(table, groups)
    for delivered, assigned, reason in zip(
        splits, *list_assignments(table, labels)["split", "reason"], strict=True
    ):
        assert delivered is None or (assigned, reason) in [
            (delivered, "from_source"),
            ("excluded", "would_leak"),
        ]


def test_a_new_image_that_links_train_and_test_is_excluded():
    labels, groups = grouped_images.images([("Aa x", i) for i in range(6)])
    before = split(labels, groups, held_out_species=0)
    train, test = (before.filter(split=name)["uuid"][0] for name in ("train", "test"))
    more, _ = grouped_images.images([("Aa x", i) for i in range(8)])
    bridge, alone = more["uuid"][6], more["uuid"][7]
    tied = pl.col("uuid").is_in([train, test, bridge])
    new_groups = more.select("uuid", group_id=pl.when(tied).then(pl.lit("tied")).otherwise("uuid"))
    table = split_again(more, new_groups, before, held_out_species=0)
    rows = {row["uuid"]: row for row in table.iter_rows(named=True)}
    assert rows[bridge] == {
        "uuid": bridge,
        "split": "excluded",
        "group_id": bridge,
        "reason": "would_leak",
        "evidence": f"ties {test} in test to {train} in train",
    }
    assert rows[train]["split"] == "train"
    assert rows[train]["group_id"] == train
    assert rows[test]["group_id"] == test
    assert rows[alone]["reason"] is None
    third = split_again(more, new_groups, table, held_out_species=0)
    assert third.filter(uuid=bridge).equals(table.filter(uuid=bridge))


def test_old_images_that_became_one_group_are_an_error():
    labels, groups = grouped_images.images([("Aa x", i) for i in range(6)])
    before = split(labels, groups, held_out_species=0)
    with pytest.raises(ValueError, match="one group now and no new image ties them"):
        split_again(labels, groups.with_columns(group_id=pl.lit("all")), before, held_out_species=0)


def test_new_groups_fill_the_largest_deficit_of_a_species():
    labels, groups = grouped_images.images([("Aa x", i) for i in range(40)])
    old = labels.head(20).select("uuid", split=pl.lit("train"), group_id="uuid", reason=None, evidence=None)
    table = split_again(labels, groups, old, held_out_species=0)
    counts = dict(table.group_by("split").len().iter_rows())
    assert counts == {"train": 20, "val": 6, "test": 14}


def test_held_out_and_trained_species_never_change_their_role():
    labels, groups = grouped_images.images(
        [(name, f"{name} {i}") for name in grouped_images.SPECIES for i in range(6)]
    )
    before = split(labels, groups, held_out_species=0.4)
    held_out = set(labels.join(before.filter(split="unseen_species"), on="uuid")["species"])
    more, new_groups = grouped_images.images(
        [
            (name, f"{name} {i}")
            for name in [*grouped_images.SPECIES, *grouped_images.SPECIES]
            for i in range(6)
        ]
    )
    new_groups = new_groups.with_columns(group_id="uuid")
    table = split_again(more, new_groups, before, held_out_species=0.9)
    assert set(more.join(table.filter(split="unseen_species"), on="uuid")["species"]) == held_out
    new = table.join(before, on="uuid", how="anti").filter(split="unseen_species")
    assert set(new["reason"]) == {"unseen_species"}


def test_new_species_are_held_out_up_to_the_share():
    old = [(f"Aa a{i}", f"{i} {j}") for i in range(5) for j in range(6)]
    labels, groups = grouped_images.images(old)
    before = split(labels, groups, held_out_species=0)
    more, new_groups = grouped_images.images(
        old + [(f"Aa b{i}", f"b{i} {j}") for i in range(5) for j in range(6)]
    )
    table = split_again(more, new_groups, before, held_out_species=0.3)
    held_out = more.join(table.filter(split="unseen_species"), on="uuid")["species"].unique()
    assert len(held_out) == 3
    assert held_out.str.starts_with("Aa b").all()


def test_a_small_species_is_split_when_it_has_grown():
    labels, groups = grouped_images.images([("Aa x", i) for i in range(2)])
    before = split(labels, groups, held_out_species=0)
    assert set(before["reason"]) == {"too_few_groups"}
    table = split_again(*grouped_images.images([("Aa x", i) for i in range(3)]), before, held_out_species=0)
    assert table["reason"].drop_nulls().sort().to_list() == [
        "from_previous",
        "from_previous",
        "too_few_groups",
    ]
    table = split_again(*grouped_images.images([("Aa x", i) for i in range(4)]), table, held_out_species=0)
    assert set(table["split"]) == {"train"}  # one newcomer at a time cannot be two test groups
    table = split_again(*grouped_images.images([("Aa x", i) for i in range(4)]), before, held_out_species=0)
    assert sorted(table["split"]) == ["test", "test", "train", "train"]


def test_a_delivered_group_in_two_splits_stays_in_test():
    labels, groups = grouped_images.images([("Aa x", 1), ("Aa x", 1), ("Aa x", 1), ("Aa x", 2), ("Aa x", 3)])
    table = list_assignments(
        split_delivered(labels, groups, ["train", "test", None, "train", None], held_out_species=0), labels
    )
    assert table["split"].to_list()[:4] == ["excluded", "test", "test", "train"]
    assert table["reason"].to_list()[:4] == ["would_leak", "from_source", "follows_group", "from_source"]
    assert table["evidence"][0] == f"delivered as train, in one group with {labels['uuid'][1]} in test"


def test_a_species_delivered_as_unseen_and_as_train_is_not_unseen():
    labels, groups = grouped_images.images([("Aa x", i) for i in range(3)] + [("Aa y", 3)])
    table = list_assignments(
        split_delivered(
            labels, groups, ["train", "unseen_species", None, "unseen_species"], held_out_species=0
        ),
        labels,
    )
    assert table["split"].to_list()[:2] == ["train", "excluded"]
    assert table["split"][3] == "unseen_species"
    assert table["evidence"][1] == f"delivered as unseen_species, but Aa x has {labels['uuid'][0]} in train"


def test_a_new_image_of_a_held_out_species_and_another_is_excluded():
    old = [("Aa x", "x"), ("Aa y", "y")]
    labels, _ = grouped_images.images(old)
    before = labels.select(
        "uuid", pl.Series("split", ["unseen_species", "train"]), group_id="uuid", reason=None, evidence=None
    )
    pairs = [
        *old,
        ("Aa y", "x"),
        ("Aa x", "y"),
        ("Aa x", "new"),
        ("Aa y", "new"),
        ("Aa x", "z"),
        ("Aa z", "x"),
    ]
    more, groups = grouped_images.images(pairs)
    table = list_assignments(split_again(more, groups, before, held_out_species=0), more)
    assert table["split"].to_list() == [
        "unseen_species",
        "train",
        "excluded",
        "excluded",
        "excluded",
        "excluded",
        "unseen_species",
        "excluded",
    ]
    assert table["evidence"].to_list()[2:5] == [
        f"in one group with {more['uuid'][0]} in unseen_species, but Aa y is not held out",
        f"in one group with {more['uuid'][1]} in train, but Aa x is held out",
        "ties Aa x, which is held out, to Aa y",
    ]


def test_a_species_both_held_out_and_trained_is_an_error():
    labels, groups = grouped_images.images([("Aa x", 1), ("Aa y", 2)])
    before = labels.select(
        "uuid", pl.Series("split", ["unseen_species", "train"]), group_id="uuid", reason=None, evidence=None
    )
    with pytest.raises(ValueError, match="but both are Aa x now"):
        split_again(labels.with_columns(species=pl.lit("Aa x")), groups, before)


def test_absent_images_are_ignored_and_folds_refuse_predefined():
    labels, groups = grouped_images.images([("Aa x", i) for i in range(6)])
    before = split(labels, groups, held_out_species=0)
    fewer = split_again(labels.head(3), groups.head(3), before, held_out_species=0)
    assert fewer.join(before, on=["uuid", "split"]).height == 3
    with pytest.raises(ValueError, match="folds assign all groups again"):
        split_again(labels, groups, before, folds=2)
