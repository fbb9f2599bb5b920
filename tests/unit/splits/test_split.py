"""Splits: no group is in two, shares are met, small species stay whole, row order does not matter."""

import hashlib

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.storage import tables
from nearkin.tables.splits import Splits
from tests.factories import grouped_images, random_study
from tests.factories.grouped_images import in_sizes, split


@settings(max_examples=100, deadline=None)
@given(
    grouped_images.structures(), st.integers(0, 5), st.sampled_from(["category", "genus"]), st.integers(1, 3)
)
def test_no_group_is_in_two_splits_and_queries_can_hit(pairs, seed, by, least):
    labels, groups = grouped_images.images(pairs)
    table = split(labels, groups, seed=seed, held_out_stratify=by, min_test_groups=least)
    grouped_images.assert_sound(labels, table)
    grouped_images.assert_reachable(labels, table, least=least)
    assert table.join(groups, on=["uuid", "group_id"]).height == len(groups)


def split_species_slowly(sizes, *, seed, shares, least):
    """The random splits of one species by a slow loop: group name to split; None with too few groups."""
    order = sorted(sizes, key=lambda name: hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())
    deficit = {split_name: share * sum(sizes.values()) for split_name, share in shares.items()}
    splits = {}
    for i, name in enumerate(order):
        split_name = max(["test", "val", "train"], key=deficit.get)
        splits[name] = "test" if i < least else "train" if i == least else split_name
        deficit[splits[name]] -= sizes[name]
    return splits if len(sizes) > least else None


@settings(max_examples=60, deadline=None)
@given(grouped_images.sizes(max_size=9, max_groups=20), st.integers(0, 3), st.integers(1, 3))
def test_random_splits_equal_the_slow_reference(sizes, seed, least):
    labels, groups = in_sizes(sizes)
    table = split(labels, groups, seed=seed, held_out_species=0, min_test_groups=least)
    splits = dict(table.select("group_id", "split").rows())
    for species, group_sizes in sizes.items():
        sizes_by_group = {f"{species}/{i}": n for i, n in enumerate(group_sizes)}
        shares = {"train": 0.5, "val": 0.15, "test": 0.35}
        expected = split_species_slowly(
            sizes_by_group, seed=seed, shares=shares, least=least
        ) or dict.fromkeys(sizes_by_group, "train")
        assert {name: splits[name] for name in sizes_by_group} == expected


@settings(max_examples=60, deadline=None)
@given(grouped_images.sizes(max_size=30, max_groups=40), st.integers(1, 3))
def test_a_split_exceeds_its_share_by_less_than_one_group(sizes, least):
    labels, groups = in_sizes(sizes)
    table = labels.join(split(labels, groups, held_out_species=0, min_test_groups=least), on="uuid")
    for species, group_sizes in sizes.items():
        if len(group_sizes) <= least:
            continue
        counts = dict(table.filter(species=species).group_by("split").len().iter_rows())
        n, largest = sum(group_sizes), max(group_sizes)
        assert counts.get("val", 0) < 0.15 * n + largest
        assert counts["train"] < max(0.5 * n, 1) + largest
        assert counts["test"] < max(0.35 * n + largest, least * largest + 1)


def test_shares_are_exact_for_large_species():
    table = split(*in_sizes({f"Aa {name}": [1] * 100 for name in "abcdefghij"}))
    assert dict(table.group_by("split").len().iter_rows()) == {
        "unseen_species": 200,
        "train": 400,
        "val": 120,
        "test": 280,
    }


def test_a_species_too_small_to_split_goes_to_train():
    labels, groups = in_sizes({"Aa x": [5, 1], "Aa y": [1] * 9})
    table = labels.join(split(labels, groups, held_out_species=0), on="uuid")
    small = table.filter(species="Aa x").select("split", "reason", "evidence").unique().rows()
    assert small == [("train", "too_few_groups", "2 to assign, too few for 2 test groups and one of train")]
    rest = table.filter(species="Aa y")
    assert set(rest["split"]) == {"train", "val", "test"}
    assert rest["reason"].null_count() == len(rest)


@settings(max_examples=20, deadline=None)
@given(grouped_images.structures(), st.randoms(use_true_random=False))
def test_row_order_changes_no_byte(tmp_path_factory, pairs, random):
    labels, groups = grouped_images.images(pairs)
    paths = [tmp_path_factory.mktemp("splits") / f"{i}.parquet" for i in range(2)]
    tables.write(split(labels, groups), paths[0], Splits)
    seeds = [random.randrange(100) for _ in range(2)]
    shuffled = [
        frame.sample(fraction=1, shuffle=True, seed=s)
        for frame, s in zip((labels, groups), seeds, strict=True)
    ]
    tables.write(split(*shuffled), paths[1], Splits)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_another_seed_gives_another_split():
    labels, groups = in_sizes({"Aa x": [1] * 20})
    assert not split(labels, groups).equals(split(labels, groups, seed=2))


def test_a_group_of_two_species_stays_whole_and_is_not_held_out():
    pairs = (
        [("Aa x", i) for i in range(5)]
        + [("Aa x", "both"), ("Aa y", "both")]
        + [("Aa y", 10 + i) for i in range(5)]
    )
    table = split(*grouped_images.images(pairs), held_out_species=0.5)
    assert table.filter(group_id="both")["split"].n_unique() == 1
    assert "unseen_species" not in set(table["split"])


def test_images_with_only_a_genus_are_never_held_out():
    labels, groups = in_sizes({f"Aa {name}": [1] * 6 for name in "vwxyz"})
    labels = labels.with_columns(species=pl.when(pl.col("species") < "Aa z").then("species"))
    for seed in range(5):
        table = labels.join(split(labels, groups, held_out_species=0.5, seed=seed), on="uuid")
        assert table.filter(pl.col("species").is_null(), split="unseen_species").is_empty()
        assert table.filter(split="unseen_species")["species"].n_unique() == 2  # of 4, the fifth has no name


def test_an_image_without_a_group_is_an_error():
    labels = random_study.labels_of(["Aa x", "Aa x"])
    with pytest.raises(ValueError, match="not both in labels and in groups: rerun group_images"):
        split(labels, pl.DataFrame({"uuid": labels["uuid"][:1], "group_id": ["a"]}))
