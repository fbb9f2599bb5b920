"""Which groups a person should review, and what the report says about them."""

import polars as pl

from nearkin.groups import review
from nearkin.tables.groups import GroupsToReview

RULE = {"max_share": 0.5, "min_images": 4}


def make_images(groups, species=None, links=None, categories=None):
    """An image per letter of `groups`; the other strings give species, exact-link component and category."""
    n = len(groups)
    columns = {"group_id": groups, "species": species or "a" * n, "category": categories or "F" * n}
    table = pl.DataFrame({name: list(values) for name, values in columns.items()})
    links = pl.Series(list(links) if links else range(n))
    uuids = [f"{number:03d}" for number in range(n)]
    missing = pl.when(pl.col("species") != "-").then("species").alias("species")
    return table.with_columns(
        missing, exact_component=links, uuid=pl.Series(uuids), path=pl.Series(uuids) + ".jpg"
    )


def find_oversized(*args, **more):
    return review.find_oversized_groups(make_images(*args, **more), **RULE).to_list()


def test_a_group_above_the_share_of_its_species_is_oversized():
    assert find_oversized("ggggg" + "xyzw") == ["g"]
    assert find_oversized("gggg" + "xyzw") == []  # just half
    assert find_oversized("ggg" + "x") == []  # too few images


def test_only_the_species_of_a_group_counts():
    assert find_oversized("ggggg" + "xyzw" + "stuvmnop", species="a" * 9 + "b" * 8) == ["g"]


def test_a_group_of_several_species_is_measured_by_its_categories():
    groups = "ggggg" + "xyzw" + "stuvmnop"
    for species in ("aaaab" + "aaaa" + "c" * 8, "aaaa-" + "aaaa" + "c" * 8, "-----" + "aaaa" + "c" * 8):
        assert find_oversized(groups, species=species) == []
        assert find_oversized(groups, species=species, categories="F" * 9 + "B" * 8) == ["g"]
        assert find_oversized(groups, species=species, categories="FFFFB" + "FFFF" + "B" * 8) == []


def test_a_specimen_of_many_images_is_not_oversized():
    assert find_oversized("gggggg" + "xyzw", links="aaaaaa" + "bcde") == []
    assert find_oversized("gggggg" + "xyzw", links="aaaaaf" + "bcde") == [
        "g"
    ]  # half belong to the specimen, six of ten to the group
    assert find_oversized("ggggggg" + "xyzw", links="aaaaaaf" + "bcde") == []


def test_groups_of_several_species_are_mixed():
    table = make_images("ggghhi", species="ab-a-a")
    assert review.find_mixed_species_groups(table).to_list() == ["g"]


def test_the_report_of_a_group_is_truncated(caplog):
    table = make_images("g" * 30 + "h", species="b" * 10 + "a" * 10 + "cdefghijkl" + "a")
    reported = review.describe_groups(table, pl.Series(["g"]), "mixed_species")
    GroupsToReview.validate(reported)
    row = reported.row(0, named=True)
    assert (row["group_id"], row["reason"], row["n_images"], row["n_species"]) == (
        "g",
        "mixed_species",
        30,
        12,
    )
    assert row["species"] == list("abcdefghij")
    assert row["uuids"] == [f"{number:03d}" for number in range(20)]
    assert "mixed_species: 30 images (a, b, c, d, e), such as 000.jpg" in caplog.text


def test_reports_without_species_or_groups_are_valid():
    table = make_images("gg", species="--")
    row = review.describe_groups(table, pl.Series(["g"]), "oversized").row(0, named=True)
    assert (row["n_species"], row["species"]) == (0, [])
    empty = review.describe_groups(table, pl.Series([], dtype=pl.String), "oversized")
    assert len(empty) == 0
    GroupsToReview.validate(empty)
