"""Related images form one group in any order of rows; unrelated images stay separate."""

import numpy as np
import polars as pl
import pytest

from nearkin.embeddings import shard_files
from nearkin.embeddings.shard_index import write_index
from nearkin.groups import group as grouping
from nearkin.groups.group import _link_equal
from nearkin.storage import tables
from nearkin.tables.groups import Groups, GroupsToReview
from nearkin.tables.images import Images, Inspection
from nearkin.tables.labels import Labels
from scripts.group_images import group_images
from tests.factories.delivery import defaults, images_of, inspection_of, thumbnail_of
from tests.factories.random_study import labels_of

SETTINGS = defaults()["groups"]
SAME = {"thumbnail": thumbnail_of("the same")}
NOTHING = pl.DataFrame(schema={"uuid": pl.String, "specimen": pl.String})


def make_study(n, overrides=None, species=None):
    """Labels and inspection of n images; `overrides` replaces values of some of them, by number."""
    labels = labels_of(species or ["Aus bus"] * n)
    images = images_of([{"uuid": row["uuid"], "path": row["path"]} for row in labels.iter_rows(named=True)])
    of_path = {f"{number}.jpg": values for number, values in (overrides or {}).items()}
    return labels, inspection_of(images, of_path)


def group_study(labels, inspection, delivered=NOTHING, vectors_of=None, **how):
    """The groups in the order of `labels`, and those to review."""
    groups, to_review = grouping.group_images(
        labels, inspection.lazy(), delivered, vectors_of, **(SETTINGS | how)
    )
    GroupsToReview.validate(to_review)
    return Groups.validate(groups).join(labels.select("uuid"), on="uuid", maintain_order="right"), to_review


def list_groups(groups):
    """Which rows are in one group, as sorted lists."""
    rows = groups.with_row_index("row").group_by("group_id").agg("row")
    return sorted(sorted(part) for part in rows["row"].to_list())


def test_unrelated_images_are_groups_of_one():
    groups, to_review = group_study(*make_study(5))
    assert groups["group_id"].to_list() == groups["uuid"].to_list()
    assert groups["link_types"].to_list() == [""] * 5
    assert len(to_review) == 0


def test_equal_bytes_are_one_group_with_the_smallest_uuid():
    labels, inspection = make_study(4, {0: {"sha256": "x"}, 2: {"sha256": "x"}, 3: {"sha256": "x"}})
    groups, _ = group_study(labels, inspection, near_duplicates=None)
    smallest = min(labels["uuid"].gather([0, 2, 3]))
    assert groups["group_id"].to_list() == [smallest, labels["uuid"][1], smallest, smallest]
    assert groups["link_types"].to_list() == ["bytes", "", "bytes", "bytes"]


def test_near_duplicates_link_across_categories_unless_disabled():
    labels, inspection = make_study(5, dict.fromkeys(range(4), SAME))
    labels = labels.with_columns(category=pl.Series(["Fish", "Bird", "Fish", "", "Fish"]))
    groups, _ = group_study(labels, inspection)
    assert list_groups(groups) == [[0, 1, 2, 3], [4]]
    assert groups["link_types"].to_list() == ["near_duplicate"] * 4 + [""]
    assert list_groups(group_study(labels, inspection, near_duplicates=None)[0]) == [[0], [1], [2], [3], [4]]


def test_specimens_link_by_file_name_and_by_delivery():
    labels, inspection = make_study(6, {2: {"sha256": "x"}, 3: {"sha256": "x"}})
    paths = ["a/fish_7_1.png", "fish_8_1.png", "b/fish_7_2.png", "other.png", "more.png", "last.png"]
    delivered = pl.DataFrame({"uuid": labels["uuid"].gather([3, 4]), "specimen": "S"})
    groups, _ = group_study(
        labels.with_columns(path=pl.Series(paths)), inspection, delivered, specimen=["^fish_(\\d+)_"]
    )
    assert list_groups(groups) == [[0, 2, 3, 4], [1], [5]]
    assert groups["link_types"].to_list() == [
        "specimen",
        "",
        "bytes+specimen",
        "bytes+specimen",
        "specimen",
        "",
    ]


def test_a_specimen_links_across_categories():
    labels, inspection = make_study(3)
    labels = labels.with_columns(category=pl.Series(["Fish", "Bird", "Fish"]))
    delivered = pl.DataFrame({"uuid": labels["uuid"].gather([0, 1]), "specimen": "S"})
    assert list_groups(group_study(labels, inspection, delivered)[0]) == [[0, 1], [2]]


def test_embeddings_link_across_categories_if_requested():
    labels, inspection = make_study(4)
    labels = labels.with_columns(category=pl.Series(["Fish", "Bird", "Fish", "Fish"]))
    vectors = dict(zip(labels["uuid"], np.eye(2, dtype=np.float32)[[0, 0, 0, 1]], strict=True))
    groups, _ = group_study(
        labels, inspection, vectors_of=lambda uuids: np.stack([vectors[uuid] for uuid in uuids])
    )
    assert list_groups(groups) == [[0, 1, 2], [3]]
    assert groups["link_types"].to_list() == ["embedding"] * 3 + [""]


def test_groups_and_requested_vectors_are_sorted_by_uuid():
    labels, inspection = make_study(6)
    requested = []

    def vectors_of(uuids):
        requested.extend(uuids)
        return np.eye(6, dtype=np.float32)

    groups, _ = grouping.group_images(
        labels.sort("uuid", descending=True), inspection.lazy(), NOTHING, vectors_of, **SETTINGS
    )
    assert groups["uuid"].to_list() == requested == sorted(labels["uuid"])


def test_rows_link_to_the_first_row_of_equal_value():
    values = pl.DataFrame({"at": [4, 1, 3, 0, 2], "value": ["x", "x", "y", "z", "x"]})
    assert sorted(_link_equal(values).tolist()) == [[1, 2], [1, 4]]
    assert _link_equal(values.head(1)).shape == _link_equal(values.clear()).shape == (0, 2)


def test_a_group_of_several_species_is_kept_and_reported():
    overrides = {0: {"sha256": "x"}, 1: {"sha256": "x"}}
    groups, to_review = group_study(*make_study(3, overrides, species=["Aus bus", "Aus cus", "Aus bus"]))
    assert list_groups(groups) == [[0, 1], [2]]
    row = to_review.row(0, named=True)
    assert (row["reason"], row["n_images"], row["species"]) == ("mixed_species", 2, ["Aus bus", "Aus cus"])
    assert row["group_id"] == groups["group_id"][0]


def test_an_oversized_group_is_reported_and_keeps_exact_links():
    overrides = {number: SAME | ({"sha256": "x"} if number < 2 else {}) for number in range(12)}
    labels, inspection = make_study(15, overrides)
    paths = [f"fish_{number // 2}_.png" if number in (4, 5) else f"{number}.png" for number in range(15)]
    labels = labels.with_columns(path=pl.Series(paths))
    groups, to_review = group_study(labels, inspection, specimen=["fish_(\\d)_"])
    assert list_groups(groups) == [[0, 1], [2], [3], [4, 5], *([number] for number in range(6, 15))]
    assert set(groups["link_types"]) == {"bytes", "specimen", ""}
    assert to_review.select("reason", "n_images").rows() == [("oversized", 12)]
    assert to_review["group_id"][0] == min(labels["uuid"].head(12))
    larger_limit, _ = group_study(labels, inspection, oversized={"max_share": 0.8, "min_images": 10})
    assert list_groups(larger_limit)[0] == list(range(12))


def test_an_oversized_group_leaves_other_groups_unchanged():
    overrides = dict.fromkeys(range(12), SAME) | dict.fromkeys([12, 13], {"thumbnail": thumbnail_of("other")})
    groups, _ = group_study(*make_study(15, overrides))
    assert list_groups(groups)[-2:] == [[12, 13], [14]]


def test_an_image_without_inspection_is_an_error():
    labels, inspection = make_study(3)
    with pytest.raises(ValueError, match="1 kept images were not inspected"):
        group_study(labels, inspection.head(2))


def test_row_order_does_not_matter():
    overrides = {n: {"sha256": str(n % 7)} for n in range(9)} | dict.fromkeys(range(9, 25), SAME)
    labels, inspection = make_study(30, overrides, species=["Aus bus", "Aus cus", "Aus dus"] * 10)
    settings = SETTINGS | {"specimen": ["(1)"], "oversized": {"max_share": 0.5, "min_images": 5}}
    expected, to_review = grouping.group_images(labels, inspection.lazy(), NOTHING, None, **settings)
    shuffled = labels.sample(fraction=1, shuffle=True, seed=1)
    again, to_review_again = grouping.group_images(
        shuffled, inspection.reverse().lazy(), NOTHING, None, **settings
    )
    assert again.sort("uuid").equals(expected.sort("uuid"))
    assert to_review_again.equals(to_review)
    assert len(to_review)


def test_the_script_reads_shards_and_embeddings(tmp_path):
    labels, inspection = make_study(4, {0: SAME, 1: SAME})
    images = images_of(labels.select("uuid", "path").to_dicts()).with_columns(
        specimen=pl.Series([None, "S", "S", None])
    )
    tables.write(images, tmp_path / "images.parquet", Images)
    tables.write(labels, tmp_path / "labels.parquet", Labels)
    shards = {"inspection": [], "embeddings": []}
    vectors = labels.select("uuid", sha256=pl.lit("x")).with_columns(
        emb=pl.Series([[1.0, 0], [0, 1], [0, 1], [1, 0]])
    )
    vectors = vectors.with_columns(pl.col("emb").cast(pl.Array(pl.Float32, 2)))
    for number, rows in enumerate(([0, 2], [1, 3])):
        in_shard = pl.col("uuid").is_in(labels["uuid"].gather(rows).implode())
        for name, paths in shards.items():
            paths.append(tmp_path / f"{name}{number}.parquet")
        tables.write(inspection.filter(in_shard), shards["inspection"][-1], Inspection)
        shard_files.write_shard([vectors.filter(in_shard).sort("uuid")], shards["embeddings"][-1], width=2)
    groups, to_review = tmp_path / "groups.parquet", tmp_path / "to_review.parquet"
    write_index(shards["embeddings"], index_path := tmp_path / "shards.json")
    group_images(
        tmp_path / "images.parquet", tmp_path / "labels.parquet", shards["inspection"], index_path,
        groups, to_review, **SETTINGS, dataset="d",
    )  # fmt: skip
    table = tables.read(groups, Groups).join(labels.select("uuid"), on="uuid", maintain_order="right")
    kinds = [
        "near_duplicate+embedding",
        "near_duplicate+embedding+specimen",
        "embedding+specimen",
        "embedding",
    ]
    assert table["link_types"].to_list() == kinds
    assert list_groups(table) == [[0, 1, 2, 3]]
    assert len(tables.read(to_review, GroupsToReview)) == 0
