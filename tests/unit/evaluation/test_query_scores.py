"""Hits of small studies: which labels count as equal, and what a query could find."""

import polars as pl
import pytest

from nearkin.evaluation import query_scores
from tests.factories import random_study

LABELS = ["category", "family", "genus", "species"]


def make_study(rows):
    """Labels and splits of images, all in test, from {uuid: (*LABELS, group)}."""
    names = sorted(rows)
    columns = dict(zip([*LABELS, "group_id"], zip(*map(rows.get, names), strict=True), strict=True))
    table = pl.DataFrame({"uuid": names} | columns, schema_overrides=dict.fromkeys(LABELS, pl.String))
    labels = random_study.labels_of(["x y"] * len(rows)).with_columns(table.select("uuid", *LABELS))
    return labels, table.select("uuid", "group_id", split=pl.lit("test"), reason=pl.lit(None, pl.String))


def make_neighbours(neighbours_by_query, protocol="leave_one_out"):
    """A `Neighbours` table from each query's neighbours, the nearest first."""
    rows = [
        (protocol, uuid, rank, other, 1 / rank)
        for uuid, others in neighbours_by_query.items()
        for rank, other in enumerate(others, start=1)
    ]
    columns = ["protocol", "query", "rank", "neighbour", "similarity"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("rank").cast(pl.Int32))


def score_hits(rows, neighbours_by_query, *, exclude_same_group=False, depth=2, protocols=("leave_one_out",)):
    labels, splits = make_study(rows)
    settings = {
        "protocols": list(protocols),
        "exclude_same_group": exclude_same_group,
        "ks": [1, depth],
        "depth": depth,
    }
    return query_scores.score_queries([make_neighbours(neighbours_by_query)], labels, splits, **settings)


def map_column(hits, level, name):
    return dict(hits.filter(level=level).select("uuid", name).iter_rows())


def test_genus_and_species_only_count_within_one_category():
    rows = {
        "a": ("Fish", "Aidae", "Aa", "Aa x", "a"),
        "b": ("Plant", "Aidae", "Aa", "Aa x", "b"),
        "c": ("Fish", "Aidae", "Aa", "Aa x", "c"),
    }
    hits = score_hits(rows, {"a": ["b", "c"], "b": ["a", "c"], "c": ["b", "a"]})
    for level in ("genus", "species"):
        assert map_column(hits, level, "first_relevant_rank") == {"a": 2, "b": None, "c": 2}
        assert map_column(hits, level, "n_relevant") == {"a": 1, "b": 0, "c": 1}
    assert map_column(hits, "category", "first_relevant_rank") == {"a": 2, "b": None, "c": 2}
    assert map_column(hits, "family", "first_relevant_rank") == {"a": 1, "b": 1, "c": 1}
    assert map_column(hits, "family", "n_relevant") == {"a": 2, "b": 2, "c": 2}


def test_labels_that_are_equal_after_joining_stay_different():
    rows = {"a": ("Fish1", None, "Aa", "1:Aa x", "a"), "b": ("Fish", None, "Aa", "11:Aa x", "b")}
    hits = score_hits(rows, {"a": ["b"], "b": ["a"]})
    assert map_column(hits, "species", "first_relevant_rank") == {"a": None, "b": None}


def test_an_image_without_label_is_neither_query_nor_relevant():
    rows = {
        "a": ("Fish", "Aidae", "Aa", None, "a"),
        "b": ("Fish", "Aidae", "Aa", None, "b"),
        "c": ("Fish", None, "Aa", "Aa x", "c"),
        "d": ("Fish", None, None, "Aa x", "d"),
    }
    hits = score_hits(rows, {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "d"], "d": ["b", "c"]})
    assert map_column(hits, "species", "first_relevant_rank") == {"c": 2, "d": 2}
    assert map_column(hits, "species", "n_relevant") == {"c": 1, "d": 1}
    assert map_column(hits, "family", "first_relevant_rank") == {"a": 1, "b": 1}
    assert map_column(hits, "genus", "first_relevant_rank") == {"a": 1, "b": 1, "c": 1}
    assert set(hits["level"]) == set(LABELS)


def test_images_without_label_are_not_relevant_to_each_other():
    rows = {name: ("Fish", None, "Aa", None, name) for name in "ab"} | {
        "c": ("Fish", None, "Aa", "Aa x", "c")
    }
    labels, splits = make_study(rows)
    images = splits.join(labels.select("uuid", *LABELS), on="uuid")
    images = images.with_columns(query_scores._code_expr("species"))
    assert images["species code"].to_list() == [0, 0, 1] and images["species code"].dtype == pl.Int32
    scores = {"species": query_scores._make_blank(images, images, "species", "leave_one_out", False, [1])}
    neighbours = make_neighbours({"a": ["b"], "c": ["a"]})
    query_scores._score_block(neighbours, images, images, scores, ks=[1], depth=2)
    assert scores["species"]["first_relevant_rank"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("exclude_same_group", "n_relevant"), [(False, [3, 3, 3, 3]), (True, [2, 2, 3, 3])])
def test_relevant_images_exclude_the_query_or_its_group(exclude_same_group, n_relevant):
    rows = {name: ("Fish", None, "Aa", "Aa x", group) for name, group in zip("abcd", "aacd", strict=True)}
    rows |= {name: ("Fish", None, "Aa", "Aa y", name) for name in "ef"}
    neighbours = {"a": "cd", "b": "ce", "c": "ab", "d": "ef", "e": "fa", "f": "ea"}
    hits = score_hits(rows, neighbours, exclude_same_group=exclude_same_group).filter(pl.col("uuid") < "e")
    assert list(map_column(hits, "species", "n_relevant").values()) == n_relevant
    assert list(map_column(hits, "species", "first_relevant_rank").values()) == [1, 1, 1, None]
    assert hits.filter(level="species")["n_relevant_at_k"].to_list() == [[1, 2], [1, 1], [1, 2], [0, 0]]
    assert set(hits["same_group_excluded"]) == {exclude_same_group}
    is_undefined = [n > 2 for n in n_relevant]
    for name in ("r_precision", "average_precision"):
        assert [value is None for value in map_column(hits, "species", name).values()] == is_undefined


@pytest.mark.parametrize("exclude_same_group", [False, True])
def test_train_gallery_counts_all_images_of_the_label(exclude_same_group):
    rows = {name: ("Fish", None, "Aa", "Aa x", name) for name in "abc"}
    labels, splits = make_study(rows)
    splits = splits.with_columns(split=pl.Series(["test", "train", "train"]))
    settings = {
        "protocols": ["train_gallery"],
        "exclude_same_group": exclude_same_group,
        "ks": [1],
        "depth": 2,
    }
    hits = query_scores.score_queries(
        [make_neighbours({"a": ["c", "b"]}, "train_gallery")], labels, splits, **settings
    )
    [row] = hits.filter(level="species").to_dicts()
    assert (row["uuid"], row["n_relevant"], row["first_relevant_rank"], row["r_precision"]) == (
        "a",
        2,
        1,
        1.0,
    )


def test_each_protocol_counts_only_its_own_neighbours():
    species = {"a": "Aa x", "b": "Aa x", "c": "Aa y", "d": "Aa x", "e": "Aa z"}
    labels, splits = make_study({name: ("Fish", None, "Aa", label, name) for name, label in species.items()})
    splits = splits.with_columns(split=pl.Series(["test", "test", "test", "train", "train"]))
    neighbours = [make_neighbours({"a": "c", "b": "a", "c": "a"})]
    neighbours.append(make_neighbours({"a": "d", "b": "e", "c": "e"}, "train_gallery"))
    settings = {
        "protocols": ["leave_one_out", "train_gallery"],
        "exclude_same_group": False,
        "ks": [1],
        "depth": 1,
    }
    hits = query_scores.score_queries([pl.concat(neighbours)], labels, splits, **settings).filter(
        level="species"
    )
    assert dict(hits.filter(protocol="leave_one_out").select("uuid", "first_relevant_rank").iter_rows()) == {
        "a": None, "b": 1, "c": None,
    }  # fmt: skip
    assert dict(hits.filter(protocol="train_gallery").select("uuid", "first_relevant_rank").iter_rows()) == {
        "a": 1, "b": None, "c": None,
    }  # fmt: skip
    n_relevant = hits.filter(protocol="train_gallery").select("uuid", "n_relevant")
    assert dict(n_relevant.iter_rows()) == {"a": 1, "b": 1, "c": 0}


def test_queries_without_gallery_are_scored():
    labels, splits = make_study({name: ("Fish", None, "Aa", "Aa x", name) for name in "ab"})
    settings = {
        "protocols": ["train_gallery", "leave_one_out"],
        "exclude_same_group": True,
        "ks": [1],
        "depth": 1,
    }
    test_only = splits.with_columns(split=pl.lit("test"))
    hits = query_scores.score_queries(
        [make_neighbours({"a": ["b"], "b": ["a"]})], labels, test_only, **settings
    )
    table = hits.filter(protocol="train_gallery", level="species")
    assert table["n_relevant"].to_list() == [0, 0] and table["first_relevant_rank"].to_list() == [
        None,
        None,
    ]
    train = splits.with_columns(split=pl.lit("train"))
    with pytest.raises(ValueError, match="no protocol has a query"):
        query_scores.score_queries([make_neighbours({})], labels, train, **settings)


def test_the_order_of_rows_does_not_matter():
    labels, splits = make_study({name: ("Fish", None, "Aa", f"Aa {name in 'ab'}", name) for name in "abc"})
    neighbours = make_neighbours({"a": ["b", "c"], "b": ["c", "a"], "c": ["a", "b"]})
    settings = {"protocols": ["leave_one_out"], "exclude_same_group": True, "ks": [1], "depth": 2}
    hits = query_scores.score_queries([neighbours], labels, splits, **settings)
    assert hits["uuid"].head(3).to_list() == ["a", "b", "c"]
    assert query_scores.score_queries([neighbours], labels.reverse(), splits.reverse(), **settings).equals(
        hits
    )


def test_a_level_exists_if_any_image_has_its_label():
    rows = {"a": ("Fish", None, "Aa", None, "a"), "b": ("Fish", "Aidae", "Aa", None, "b")}
    assert query_scores.list_levels(make_study(rows)[0]) == ["category", "family", "genus"]
    complete = {name: ("Fish", "Aidae", "Aa", "Aa x", name) for name in "ab"}
    assert query_scores.list_levels(make_study(complete)[0]) == LABELS


@pytest.mark.parametrize("depth", [1, 2])
def test_a_query_without_relevant_neighbours_scores_zero(depth):
    rows = {name: ("Fish", None, "Aa", f"Aa {name in 'ab'}", name) for name in "abcd"}
    neighbours = {"a": "cd", "b": "ac", "c": "ab", "d": "ab"}
    hits = score_hits(rows, {name: others[:depth] for name, others in neighbours.items()}, depth=depth)
    [row, *_] = hits.filter(level="species").to_dicts()
    assert (row["n_relevant"], row["first_relevant_rank"], row["n_relevant_at_k"]) == (1, None, [0, 0])
    assert (row["r_precision"], row["average_precision"]) == (0.0, 0.0)


def test_only_the_requested_queries_are_scored():
    rows = {name: ("Fish", None, "Aa", "Aa x", name) for name in "abc"}
    labels, splits = make_study(rows)
    settings = {"protocols": ["leave_one_out"], "exclude_same_group": True, "ks": [1], "depth": 2}
    hits = query_scores.score_queries(
        [make_neighbours({"b": "ac"})], labels, splits, **settings, only=pl.Series("uuid", ["b"])
    ).filter(level="species")
    assert hits.select("uuid", "n_relevant", "first_relevant_rank").rows() == [("b", 2, 1)]


def test_neighbours_may_come_in_chunks():
    species = {"a": "Aa x", "b": "Aa x", "c": "Aa y"}
    labels, splits = make_study({name: ("Fish", None, "Aa", label, name) for name, label in species.items()})
    parts = [make_neighbours({"b": ["c", "a"]}), make_neighbours({"a": ["b", "c"], "c": ["a", "b"]})]
    settings = {"protocols": ["leave_one_out"], "exclude_same_group": True, "ks": [1], "depth": 2}
    hits = query_scores.score_queries(parts, labels, splits, **settings)
    assert map_column(hits, "species", "first_relevant_rank") == {"a": 1, "b": 2, "c": None}


def test_a_protocol_without_queries_is_omitted():
    rows = {name: ("Fish", None, "Aa", "Aa x", name) for name in "ab"}
    hits = score_hits(rows, {"a": ["b"], "b": ["a"]}, protocols=["leave_one_out", "unseen_species"])
    assert set(hits["protocol"]) == {"leave_one_out"}
    with pytest.raises(ValueError, match="no test images: no protocol has a query"):
        score_hits(rows, {"a": ["b"]}, protocols=["unseen_species"])


def test_a_query_with_a_missing_neighbour_is_reported():
    labels, splits = make_study({name: ("Fish", None, "Aa", "Aa x", name) for name in "abcde"})
    splits = splits.with_columns(split=pl.Series(["train", "train", "test", "test", "test"]))
    neighbours = make_neighbours({"c": "ab", "d": "a", "e": "ab"}, "train_gallery")
    settings = {"protocols": ["train_gallery"], "exclude_same_group": False, "ks": [1], "depth": 2}
    with pytest.raises(ValueError, match="1 of 3 queries have more or fewer .* the first is d with 1, not 2"):
        query_scores.score_queries([neighbours], labels, splits, **settings)
