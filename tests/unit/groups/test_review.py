"""Which groups a person should review, and what is reported of them."""

import polars as pl

from nearkin.groups import review
from nearkin.tables.groups import GroupsToReview

RULE = {"max_share": 0.5, "min_images": 4}


def images(groups, species=None, firm=None, categories=None):
    """An image for each letter of `groups`, its group; the other strings say species, part and category."""
    n = len(groups)
    columns = {"group_id": groups, "species": species or "a" * n, "category": categories or "F" * n}
    table = pl.DataFrame({name: list(values) for name, values in columns.items()})
    firm = pl.Series(list(firm) if firm else range(n))
    uuids = [f"{number:03d}" for number in range(n)]
    missing = pl.when(pl.col("species") != "-").then("species").alias("species")
    return table.with_columns(missing, firm=firm, uuid=pl.Series(uuids), path=pl.Series(uuids) + ".jpg")


def oversized(*args, **more):
    return review.find_oversized_groups(images(*args, **more), **RULE).to_list()


def test_more_than_the_share_of_a_species_in_one_group():
    assert oversized("ggggg" + "xyzw") == ["g"]
    assert oversized("gggg" + "xyzw") == []  # just half
    assert oversized("ggg" + "x") == []  # too few images


def test_another_species_does_not_count_as_long_as_the_group_has_one():
    assert oversized("ggggg" + "xyzw" + "stuvmnop", species="a" * 9 + "b" * 8) == ["g"]


def test_a_group_of_several_species_is_measured_by_its_categories():
    many = "ggggg" + "xyzw" + "stuvmnop"
    for species in ("aaaab" + "aaaa" + "c" * 8, "aaaa-" + "aaaa" + "c" * 8, "-----" + "aaaa" + "c" * 8):
        assert oversized(many, species=species) == []
        assert oversized(many, species=species, categories="F" * 9 + "B" * 8) == ["g"]
        assert oversized(many, species=species, categories="FFFFB" + "FFFF" + "B" * 8) == []


def test_a_specimen_of_many_images_is_not_oversized():
    assert oversized("gggggg" + "xyzw", firm="aaaaaa" + "bcde") == []
    assert oversized("gggggg" + "xyzw", firm="aaaaaf" + "bcde") == [
        "g"
    ]  # half are the specimen's, six of ten in all
    assert oversized("ggggggg" + "xyzw", firm="aaaaaaf" + "bcde") == []


def test_groups_of_several_species_disagree():
    table = images("ggghhi", species="ab-a-a")
    assert review.find_mixed_species_groups(table).to_list() == ["g"]


def test_what_is_reported_of_a_group(caplog):
    table = images("g" * 30 + "h", species="b" * 10 + "a" * 10 + "cdefghijkl" + "a")
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


def test_a_group_without_any_species_and_no_group_at_all():
    table = images("gg", species="--")
    row = review.describe_groups(table, pl.Series(["g"]), "oversized").row(0, named=True)
    assert (row["n_species"], row["species"]) == (0, [])
    nothing = review.describe_groups(table, pl.Series([], dtype=pl.String), "oversized")
    assert len(nothing) == 0
    GroupsToReview.validate(nothing)
