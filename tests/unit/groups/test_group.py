"""Images that belong together, in any order of rows; unrelated ones stay apart."""

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

HOW = defaults()["groups"]
SAME = {"thumbnail": thumbnail_of("the same")}
NOTHING = pl.DataFrame(schema={"uuid": pl.String, "specimen": pl.String})


def study(n, of_number=None, species=None):
    """Labels and inspection of n images; `of_number` replaces what was found in some of them."""
    labels = labels_of(species or ["Aus bus"] * n)
    images = images_of([{"uuid": row["uuid"], "path": row["path"]} for row in labels.iter_rows(named=True)])
    of_path = {f"{number}.jpg": found for number, found in (of_number or {}).items()}
    return labels, inspection_of(images, of_path)


def group(labels, inspection, delivered=NOTHING, vectors_of=None, **how):
    """The groups in the order of `labels`, and those to review."""
    groups, to_review = grouping.group_images(labels, inspection.lazy(), delivered, vectors_of, **(HOW | how))
    GroupsToReview.validate(to_review)
    return Groups.validate(groups).join(labels.select("uuid"), on="uuid", maintain_order="right"), to_review


def parts(groups):
    """Which rows are in one group, as sorted lists."""
    rows = groups.with_row_index("row").group_by("group_id").agg("row")
    return sorted(sorted(part) for part in rows["row"].to_list())


def test_strangers_are_alone():
    groups, to_review = group(*study(5))
    assert groups["group_id"].to_list() == groups["uuid"].to_list()
    assert groups["link_types"].to_list() == [""] * 5
    assert len(to_review) == 0


def test_same_bytes_are_one_group_of_the_smallest_uuid():
    labels, inspection = study(4, {0: {"sha256": "x"}, 2: {"sha256": "x"}, 3: {"sha256": "x"}})
    groups, _ = group(labels, inspection, near_duplicates=None)
    smallest = min(labels["uuid"].gather([0, 2, 3]))
    assert groups["group_id"].to_list() == [smallest, labels["uuid"][1], smallest, smallest]
    assert groups["link_types"].to_list() == ["bytes", "", "bytes", "bytes"]


def test_near_duplicates_tie_across_categories_and_can_be_switched_off():
    labels, inspection = study(5, dict.fromkeys(range(4), SAME))
    labels = labels.with_columns(category=pl.Series(["Fish", "Bird", "Fish", "", "Fish"]))
    groups, _ = group(labels, inspection)
    assert parts(groups) == [[0, 1, 2, 3], [4]]
    assert groups["link_types"].to_list() == ["near_duplicate"] * 4 + [""]
    assert parts(group(labels, inspection, near_duplicates=None)[0]) == [[0], [1], [2], [3], [4]]


def test_specimens_by_file_name_and_delivery_and_chains_of_ties():
    labels, inspection = study(6, {2: {"sha256": "x"}, 3: {"sha256": "x"}})
    paths = ["a/fish_7_1.png", "fish_8_1.png", "b/fish_7_2.png", "other.png", "more.png", "last.png"]
    delivered = pl.DataFrame({"uuid": labels["uuid"].gather([3, 4]), "specimen": "S"})
    groups, _ = group(
        labels.with_columns(path=pl.Series(paths)), inspection, delivered, specimen=["^fish_(\\d+)_"]
    )
    assert parts(groups) == [[0, 2, 3, 4], [1], [5]]
    assert groups["link_types"].to_list() == [
        "specimen",
        "",
        "bytes+specimen",
        "bytes+specimen",
        "specimen",
        "",
    ]


def test_a_specimen_is_one_in_all_categories():
    labels, inspection = study(3)
    labels = labels.with_columns(category=pl.Series(["Fish", "Bird", "Fish"]))
    delivered = pl.DataFrame({"uuid": labels["uuid"].gather([0, 1]), "specimen": "S"})
    assert parts(group(labels, inspection, delivered)[0]) == [[0, 1], [2]]


def test_embeddings_tie_across_categories_where_they_are_asked_for():
    labels, inspection = study(4)
    labels = labels.with_columns(category=pl.Series(["Fish", "Bird", "Fish", "Fish"]))
    vectors = dict(zip(labels["uuid"], np.eye(2, dtype=np.float32)[[0, 0, 0, 1]], strict=True))
    groups, _ = group(
        labels, inspection, vectors_of=lambda uuids: np.stack([vectors[uuid] for uuid in uuids])
    )
    assert parts(groups) == [[0, 1, 2], [3]]
    assert groups["link_types"].to_list() == ["embedding"] * 3 + [""]


def test_groups_come_by_uuid_and_vectors_are_asked_for_in_that_order():
    labels, inspection = study(6)
    asked = []

    def vectors_of(uuids):
        asked.extend(uuids)
        return np.eye(6, dtype=np.float32)

    groups, _ = grouping.group_images(
        labels.sort("uuid", descending=True), inspection.lazy(), NOTHING, vectors_of, **HOW
    )
    assert groups["uuid"].to_list() == asked == sorted(labels["uuid"])


def test_each_is_tied_to_the_first_of_its_value():
    values = pl.DataFrame({"at": [4, 1, 3, 0, 2], "value": ["x", "x", "y", "z", "x"]})
    assert sorted(_link_equal(values).tolist()) == [[1, 2], [1, 4]]
    assert _link_equal(values.head(1)).shape == _link_equal(values.clear()).shape == (0, 2)


def test_a_group_of_several_species_stays_one_and_is_reported():
    found = {0: {"sha256": "x"}, 1: {"sha256": "x"}}
    groups, to_review = group(*study(3, found, species=["Aus bus", "Aus cus", "Aus bus"]))
    assert parts(groups) == [[0, 1], [2]]
    row = to_review.row(0, named=True)
    assert (row["reason"], row["n_images"], row["species"]) == ("mixed_species", 2, ["Aus bus", "Aus cus"])
    assert row["group_id"] == groups["group_id"][0]


def test_an_oversized_group_is_reported_and_only_its_exact_links_stay():
    found = {number: SAME | ({"sha256": "x"} if number < 2 else {}) for number in range(12)}
    labels, inspection = study(15, found)
    paths = [f"fish_{number // 2}_.png" if number in (4, 5) else f"{number}.png" for number in range(15)]
    labels = labels.with_columns(path=pl.Series(paths))
    groups, to_review = group(labels, inspection, specimen=["fish_(\\d)_"])
    assert parts(groups) == [[0, 1], [2], [3], [4, 5], *([number] for number in range(6, 15))]
    assert set(groups["link_types"]) == {"bytes", "specimen", ""}
    assert to_review.select("reason", "n_images").rows() == [("oversized", 12)]
    assert to_review["group_id"][0] == min(labels["uuid"].head(12))
    kept, _ = group(labels, inspection, oversized={"max_share": 0.8, "min_images": 10})
    assert parts(kept)[0] == list(range(12))


def test_other_groups_keep_their_ties_when_one_runs_away():
    found = dict.fromkeys(range(12), SAME) | dict.fromkeys([12, 13], {"thumbnail": thumbnail_of("other")})
    groups, _ = group(*study(15, found))
    assert parts(groups)[-2:] == [[12, 13], [14]]


def test_an_image_without_inspection_is_an_error():
    labels, inspection = study(3)
    with pytest.raises(ValueError, match="1 kept images were not inspected"):
        group(labels, inspection.head(2))


def test_the_order_of_rows_does_not_matter():
    found = {n: {"sha256": str(n % 7)} for n in range(9)} | dict.fromkeys(range(9, 25), SAME)
    labels, inspection = study(30, found, species=["Aus bus", "Aus cus", "Aus dus"] * 10)
    how = HOW | {"specimen": ["(1)"], "oversized": {"max_share": 0.5, "min_images": 5}}
    expected, doubts = grouping.group_images(labels, inspection.lazy(), NOTHING, None, **how)
    shuffled = labels.sample(fraction=1, shuffle=True, seed=1)
    again, doubts_again = grouping.group_images(shuffled, inspection.reverse().lazy(), NOTHING, None, **how)
    assert again.sort("uuid").equals(expected.sort("uuid"))
    assert doubts_again.equals(doubts)
    assert len(doubts)


def test_the_script_reads_shards_and_embeddings(tmp_path):
    labels, inspection = study(4, {0: SAME, 1: SAME})
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
        part = pl.col("uuid").is_in(labels["uuid"].gather(rows).implode())
        for name, paths in shards.items():
            paths.append(tmp_path / f"{name}{number}.parquet")
        tables.write(inspection.filter(part), shards["inspection"][-1], Inspection)
        shard_files.write_shard([vectors.filter(part).sort("uuid")], shards["embeddings"][-1], width=2)
    groups, to_review = tmp_path / "groups.parquet", tmp_path / "to_review.parquet"
    write_index(shards["embeddings"], listed := tmp_path / "shards.json")
    group_images(
        tmp_path / "images.parquet", tmp_path / "labels.parquet", shards["inspection"], listed,
        groups, to_review, **HOW, dataset="d",
    )  # fmt: skip
    found = tables.read(groups, Groups).join(labels.select("uuid"), on="uuid", maintain_order="right")
    kinds = [
        "near_duplicate+embedding",
        "near_duplicate+embedding+specimen",
        "embedding+specimen",
        "embedding",
    ]
    assert found["link_types"].to_list() == kinds
    assert parts(found) == [[0, 1, 2, 3]]
    assert len(tables.read(to_review, GroupsToReview)) == 0
