"""Splits: nothing straddles, shares hold, small species stay whole, row order does not matter."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin import splits
from tests.unit import drawn

SHARES = {"seed": 1, "train": 0.5, "val": 0.15, "test": 0.35, "unseen": 0.2, "min_test_groups": 2}


def split(labels, groups, **other):
    return splits.split(labels, groups, **SHARES | other)


def deal(sizes, **other):
    """The splits of species whose groups have the given sizes."""
    species = [name for name, groups in sizes.items() for n in groups for _ in range(n)]
    labels = drawn.labels_of(species)
    names = [f"{name}/{i}" for name, groups in sizes.items() for i, n in enumerate(groups) for _ in range(n)]
    groups = pl.DataFrame({"uuid": labels["uuid"], "group_id": names})
    return labels.join(split(labels, groups, **other), on="uuid")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([f"Genus{a} epithet{b}" for a in "abc" for b in "xyz"]),
        st.lists(st.integers(1, 4), min_size=1, max_size=12),
        min_size=1,
    ),
    st.integers(0, 5),
)
def test_no_group_straddles_and_queries_can_hit(sizes, seed):
    dealt = deal(sizes, seed=seed)
    assert dealt.group_by("group_id").agg(pl.col("split").n_unique())["split"].max() == 1
    for _, mine in dealt.group_by("species"):
        sides = set(mine["split"])
        if "unseen" in sides:
            assert sides == {"unseen"}
        tested = mine.filter(split="test")["group_id"].n_unique()
        assert tested == 0 or (tested >= 2 and "train" in sides)


def test_shares_hold_for_large_species():
    dealt = deal({f"Aa {name}": [1] * 100 for name in "abcdefghij"}, unseen=0.2)
    counts = dict(dealt.group_by("split").len().iter_rows())
    assert counts["unseen"] == 200
    assert counts["test"] == pytest.approx(280, abs=10)
    assert counts["val"] == pytest.approx(120, abs=10)


def test_a_species_too_small_to_split_goes_to_train():
    dealt = deal({"Aa x": [5, 1], "Aa y": [1] * 9}, unseen=0)
    small = dealt.filter(species="Aa x")
    assert set(small["split"]) == {"train"}
    assert set(small["reason"]) == {"too_few_groups"}
    assert set(dealt.filter(species="Aa y")["split"]) == {"train", "val", "test"}


def test_row_order_does_not_matter_and_the_seed_does():
    labels, drawn_splits = drawn.study(1)
    groups = drawn_splits.select("uuid", "group_id")
    once = split(labels, groups).sort("uuid")
    assert once.equals(split(labels.reverse(), groups.sample(fraction=1, shuffle=True, seed=1)).sort("uuid"))
    assert not once.equals(split(labels, groups, seed=2).sort("uuid"))


def test_a_group_of_two_species_stays_whole_and_seen():
    labels = drawn.labels_of(["Aa x"] * 6 + ["Aa y"] * 6)
    uuids = labels["uuid"].to_list()
    names = [*uuids[:5], "mixed", "mixed", *uuids[7:]]
    dealt = split(labels, pl.DataFrame({"uuid": uuids, "group_id": names}), unseen=0.5)
    assert dealt.filter(group_id="mixed")["split"].n_unique() == 1
    assert "unseen" not in set(dealt["split"])


def test_an_image_without_a_group_is_an_error():
    labels = drawn.labels_of(["Aa x", "Aa x"])
    with pytest.raises(ValueError, match="in no group: rerun group_images"):
        split(labels, pl.DataFrame({"uuid": labels["uuid"][:1], "group_id": ["a"]}))
