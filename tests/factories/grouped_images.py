"""Images in groups for tests of the split, and invariants of every split."""

import polars as pl
from hypothesis import strategies as st

from nearkin.splits import predefined
from nearkin.splits.split import split_images
from nearkin.vocabulary import EXCLUDED
from tests.factories import random_study

SPLIT_SETTINGS = {
    "seed": 1,
    "train": 0.5,
    "val": 0.15,
    "test": 0.35,
    "held_out_species": 0.2,
    "held_out_stratify": "category",
    "folds": None,
    "fold": 1,
    "min_test_groups": 2,
}
SPECIES = [f"Genus{a} epithet{b}" for a in "abc" for b in "xyz"]


def split(labels, groups, predefined_splits=None, **settings):
    if predefined_splits is None:
        predefined_splits = predefined.combine_predefined([])
    return split_images(labels, groups, predefined_splits, **SPLIT_SETTINGS | settings)


def images(pairs):
    """Labels and groups of images from pairs (species, group); the n-th image always has the same name."""
    labels = random_study.labels_of([species for species, _ in pairs])
    category = pl.when(pl.col("genus") == "Genusa").then(pl.lit("Bird")).otherwise("category")
    labels = labels.with_columns(category=category)
    return labels, labels.select(
        "uuid", group_id=pl.Series([str(group) for _, group in pairs], dtype=pl.String)
    )


def in_sizes(sizes):
    """The same from the sizes of each species' groups; each group has one species."""
    groups = [
        (name, f"{name}/{i}", n) for name, group_sizes in sizes.items() for i, n in enumerate(group_sizes)
    ]
    return images([(name, group) for name, group, n in groups for _ in range(n)])


def sizes(max_size=4, max_groups=12):
    return st.dictionaries(
        st.sampled_from(SPECIES),
        st.lists(st.integers(1, max_size), min_size=1, max_size=max_groups),
        min_size=1,
    )


@st.composite
def structures(draw, max_images=60):
    """(species, group) of random images: single ones, huge groups, and groups of several species."""
    n = draw(st.integers(1, max_images))
    species = draw(st.lists(st.sampled_from(SPECIES), min_size=n, max_size=n))
    numbers = draw(st.lists(st.integers(0, draw(st.integers(0, n))), min_size=n, max_size=n))
    pure = draw(st.booleans())
    return [
        (name, f"{number} {name}" if pure else number) for name, number in zip(species, numbers, strict=True)
    ]


def assert_sound(labels, table):
    """Each image has a split, each group is in one split, and held-out species are in no other split."""
    assert sorted(table["uuid"]) == sorted(labels["uuid"])
    assert not table.select("split", "group_id").null_count().sum_horizontal().item()
    split_of_group = {}
    for group, split_name in table.select("group_id", "split").rows():
        assert split_of_group.setdefault(group, split_name) == split_name
    included = labels.join(table, on="uuid").filter(pl.col("split") != EXCLUDED)
    for _, rows in included.group_by("category", "species"):
        assert set(rows["split"]) == {"unseen_species"} or "unseen_species" not in set(rows["split"])


def assert_reachable(labels, table, *, least):
    """A species without mixed groups is tested in at least `least` groups and trained, or not tested."""
    all_images = labels.join(table, on="uuid")
    mixed = all_images.filter(pl.col("species").n_unique().over("group_id") > 1)
    for _, rows in all_images.join(mixed, on="species", how="anti").group_by("species"):
        n_tested = rows.filter(split="test")["group_id"].n_unique()
        assert n_tested == 0 or (n_tested >= least and "train" in set(rows["split"]))
