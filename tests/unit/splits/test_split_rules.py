"""Rules of the split: what is refused, counted and logged, and which species may be held out."""

import polars as pl
import pytest

from nearkin.splits import predefined
from nearkin.splits import split as module
from nearkin.splits.split import check_tested
from tests.factories import grouped_images, random_study
from tests.factories.grouped_images import in_sizes, split


def test_shares_that_do_not_add_up_to_one_are_refused():
    with pytest.raises(ValueError, match=r"train, val and test add up to 1\.35, not 1"):
        split(*in_sizes({"Aa x": [1] * 4}), train=0.85)


def test_the_first_image_without_label_or_group_is_reported():
    labels = random_study.labels_of(["Aa x"] * 5).sort("uuid")
    only_grouped, only_labelled = labels["uuid"][1], labels["uuid"][3]
    groups = labels.select("uuid", group_id="uuid").filter(pl.col("uuid") != only_labelled)
    with pytest.raises(ValueError, match=f"image {only_grouped} is not both in labels and in groups"):
        split(labels.filter(pl.col("uuid") != only_grouped), groups)


def test_the_log_counts_images_groups_and_unsplittable_species(caplog):
    caplog.set_level("INFO")
    split(*in_sizes({"Aa x": [1, 3], "Aa y": [2], "Aa z": [1] * 20}), held_out_species=0)
    assert "26 images, 23 groups: {'test': 7, 'train': 16, 'val': 3}" in caplog.text
    assert "0 species held out at random, 2 with too few groups to split" in caplog.text


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("from_source", "name another column in source.columns.split, or leave out split.use_source_split"),
        ("from_previous", "leave out split.previous, or name an earlier split with test images there"),
        ("too_few_groups", "raise split.test, lower split.min_test_groups or split.held_out_species, or"),
    ],
)
def test_a_split_without_test_images_reports_counts_and_a_remedy(reason, remedy):
    labels = random_study.labels_of(["Aa z", *["Aa x"] * 4])
    labels = labels.with_columns(species=pl.when(species="Aa x").then("species"))
    splits = ["test", "val", "train", "excluded", "unseen_species"]
    table = labels.select("uuid", split=pl.Series(splits), reason=pl.lit(reason))
    with pytest.raises(ValueError, match="museum: no image of a named species is tested") as caught:
        check_tested(table, labels, dataset="museum")
    counts = "{'excluded': 1, 'test': 1, 'train': 1, 'unseen_species': 1, 'val': 1}"
    assert f"images by split: {counts}; {remedy}" in str(caught.value)
    check_tested(table.with_columns(split=pl.lit("test")), labels, dataset="museum")


def test_a_group_counts_for_its_most_frequent_species():
    rows = [(2, 0), (0, 1), (0, 1), (0, 0), (1, 2), (1, 1), (3, 3)]
    images = pl.DataFrame(rows, schema=["group", "species"], orient="row")
    predefined_split = pl.when(pl.col("group") == 3).then(pl.lit("test"))
    free, mixed = module._select_free_groups(images.with_columns(split=predefined_split))
    assert free.rows() == [(0, 1, 3), (1, 1, 2), (2, 0, 1)]
    assert mixed.sort().to_list() == [0, 1, 2]


def test_only_species_with_several_own_free_groups_are_candidates():
    species = pl.DataFrame({"species": range(7), "name": [*"abcdef", None]})
    free = pl.DataFrame({"species": [0, 1, 1, 2, 2, 3, 3, 6, 6]}).with_row_index("group")
    splits = [("train", 3), ("unseen_species", 4), ("excluded", 5), (None, 0)]
    images = pl.DataFrame(splits, schema=["split", "species"], orient="row")
    candidates = module._find_candidates(species, images, free, pl.Series([2], dtype=pl.Int64))
    assert candidates.select("name", "able", "unseen").rows() == [
        ("a", False, False),  # one group alone
        ("b", True, False),
        ("c", False, False),  # shares a group with another species
        ("d", False, False),  # is trained already
        ("e", False, True),
    ]


def test_parts_of_a_cut_group_have_the_id_of_their_first_image():
    labels, groups = grouped_images.images([("Aa x", "one")] * 4)
    labels = labels.sort("uuid")
    splits = pl.Series(["test", "train", "train", "test"])
    missing = pl.lit(None, dtype=pl.String)
    previous = labels.select("uuid", split=splits, group_id="uuid", reason=missing, evidence=missing)
    bridge = random_study.labels_of(["Aa x"] * 5).join(labels, on="uuid", how="anti")
    more = pl.concat([labels, bridge.select(labels.columns)])
    groups = more.select("uuid", group_id=pl.lit("one"))
    table = split(more, groups, predefined.read_previous(previous), held_out_species=0)
    names = dict(table.select("uuid", "group_id").rows())
    first, second, third, fourth = labels["uuid"]
    assert [names[uuid] for uuid in (first, second, third, fourth)] == [first, second, second, first]
