"""Hits of hand-made studies: whose labels count as the same, and what a query could find."""

import polars as pl
import pytest

from nearkin.evaluation import query_scores
from tests.factories import random_study

LABELS = ["category", "family", "genus", "species"]


def studied(rows):
    """Labels and splits of images, all in test, from {uuid: (*LABELS, group)}."""
    names = sorted(rows)
    columns = dict(zip([*LABELS, "group_id"], zip(*map(rows.get, names), strict=True), strict=True))
    table = pl.DataFrame({"uuid": names} | columns, schema_overrides=dict.fromkeys(LABELS, pl.String))
    labels = random_study.labels_of(["x y"] * len(rows)).with_columns(table.select("uuid", *LABELS))
    return labels, table.select("uuid", "group_id", split=pl.lit("test"), reason=pl.lit(None, pl.String))


def neighbours_of(found, protocol="leave_one_out"):
    """A `Neighbours` table from each query's neighbours, the nearest first."""
    rows = [
        (protocol, uuid, rank, other, 1 / rank)
        for uuid, others in found.items()
        for rank, other in enumerate(others, start=1)
    ]
    columns = ["protocol", "query", "rank", "neighbour", "similarity"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("rank").cast(pl.Int32))


def hits_of(rows, found, *, exclude_same_group=False, depth=2, wanted=("leave_one_out",)):
    labels, splits = studied(rows)
    settings = {
        "protocols": list(wanted),
        "exclude_same_group": exclude_same_group,
        "ks": [1, depth],
        "depth": depth,
    }
    return query_scores.score_queries([neighbours_of(found)], labels, splits, **settings)


def column(hits, level, name):
    return dict(hits.filter(level=level).select("uuid", name).iter_rows())


def test_genus_and_species_only_count_within_one_category():
    rows = {
        "a": ("Fish", "Aidae", "Aa", "Aa x", "a"),
        "b": ("Plant", "Aidae", "Aa", "Aa x", "b"),
        "c": ("Fish", "Aidae", "Aa", "Aa x", "c"),
    }
    hits = hits_of(rows, {"a": ["b", "c"], "b": ["a", "c"], "c": ["b", "a"]})
    for level in ("genus", "species"):
        assert column(hits, level, "first_relevant_rank") == {"a": 2, "b": None, "c": 2}
        assert column(hits, level, "n_relevant") == {"a": 1, "b": 0, "c": 1}
    assert column(hits, "category", "first_relevant_rank") == {"a": 2, "b": None, "c": 2}
    assert column(hits, "family", "first_relevant_rank") == {"a": 1, "b": 1, "c": 1}
    assert column(hits, "family", "n_relevant") == {"a": 2, "b": 2, "c": 2}


def test_labels_that_read_alike_once_joined_differ():
    rows = {"a": ("Fish1", None, "Aa", "1:Aa x", "a"), "b": ("Fish", None, "Aa", "11:Aa x", "b")}
    hits = hits_of(rows, {"a": ["b"], "b": ["a"]})
    assert column(hits, "species", "first_relevant_rank") == {"a": None, "b": None}


def test_an_image_without_a_label_neither_queries_nor_is_right():
    rows = {
        "a": ("Fish", "Aidae", "Aa", None, "a"),
        "b": ("Fish", "Aidae", "Aa", None, "b"),
        "c": ("Fish", None, "Aa", "Aa x", "c"),
        "d": ("Fish", None, None, "Aa x", "d"),
    }
    hits = hits_of(rows, {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "d"], "d": ["b", "c"]})
    assert column(hits, "species", "first_relevant_rank") == {"c": 2, "d": 2}
    assert column(hits, "species", "n_relevant") == {"c": 1, "d": 1}
    assert column(hits, "family", "first_relevant_rank") == {"a": 1, "b": 1}
    assert column(hits, "genus", "first_relevant_rank") == {"a": 1, "b": 1, "c": 1}
    assert set(hits["level"]) == set(LABELS)


def test_images_without_any_label_in_common_are_not_right_for_each_other():
    rows = {name: ("Fish", None, "Aa", None, name) for name in "ab"} | {
        "c": ("Fish", None, "Aa", "Aa x", "c")
    }
    labels, splits = studied(rows)
    images = splits.join(labels.select("uuid", *LABELS), on="uuid")
    images = images.with_columns(query_scores._code_expr("species"))
    assert images["species code"].to_list() == [0, 0, 1] and images["species code"].dtype == pl.Int32
    scores = {"species": query_scores._make_blank(images, images, "species", "leave_one_out", False, [1])}
    neighbours = neighbours_of({"a": ["b"], "c": ["a"]})
    query_scores._score_block(neighbours, images, images, scores, ks=[1], depth=2)
    assert scores["species"]["first_relevant_rank"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("exclude_same_group", "could"), [(False, [3, 3, 3, 3]), (True, [2, 2, 3, 3])])
def test_a_query_could_find_its_label_less_itself_or_its_group(exclude_same_group, could):
    rows = {name: ("Fish", None, "Aa", "Aa x", group) for name, group in zip("abcd", "aacd", strict=True)}
    rows |= {name: ("Fish", None, "Aa", "Aa y", name) for name in "ef"}
    found = {"a": "cd", "b": "ce", "c": "ab", "d": "ef", "e": "fa", "f": "ea"}
    hits = hits_of(rows, found, exclude_same_group=exclude_same_group).filter(pl.col("uuid") < "e")
    assert list(column(hits, "species", "n_relevant").values()) == could
    assert list(column(hits, "species", "first_relevant_rank").values()) == [1, 1, 1, None]
    assert hits.filter(level="species")["n_relevant_at_k"].to_list() == [[1, 2], [1, 1], [1, 2], [0, 0]]
    assert set(hits["same_group_excluded"]) == {exclude_same_group}
    beyond = [n > 2 for n in could]
    for name in ("r_precision", "average_precision"):
        assert [value is None for value in column(hits, "species", name).values()] == beyond


@pytest.mark.parametrize("exclude_same_group", [False, True])
def test_in_a_search_everyone_of_the_label_can_be_found(exclude_same_group):
    rows = {name: ("Fish", None, "Aa", "Aa x", name) for name in "abc"}
    labels, splits = studied(rows)
    splits = splits.with_columns(split=pl.Series(["test", "train", "train"]))
    settings = {
        "protocols": ["train_gallery"],
        "exclude_same_group": exclude_same_group,
        "ks": [1],
        "depth": 2,
    }
    hits = query_scores.score_queries(
        [neighbours_of({"a": ["c", "b"]}, "train_gallery")], labels, splits, **settings
    )
    [row] = hits.filter(level="species").to_dicts()
    assert (row["uuid"], row["n_relevant"], row["first_relevant_rank"], row["r_precision"]) == (
        "a",
        2,
        1,
        1.0,
    )


def test_only_the_neighbours_of_a_protocol_count_in_it():
    species = {"a": "Aa x", "b": "Aa x", "c": "Aa y", "d": "Aa x", "e": "Aa z"}
    labels, splits = studied({name: ("Fish", None, "Aa", one, name) for name, one in species.items()})
    splits = splits.with_columns(split=pl.Series(["test", "test", "test", "train", "train"]))
    found = [neighbours_of({"a": "c", "b": "a", "c": "a"})]
    found.append(neighbours_of({"a": "d", "b": "e", "c": "e"}, "train_gallery"))
    settings = {
        "protocols": ["leave_one_out", "train_gallery"],
        "exclude_same_group": False,
        "ks": [1],
        "depth": 1,
    }
    hits = query_scores.score_queries([pl.concat(found)], labels, splits, **settings).filter(level="species")
    assert dict(hits.filter(protocol="leave_one_out").select("uuid", "first_relevant_rank").iter_rows()) == {
        "a": None, "b": 1, "c": None,
    }  # fmt: skip
    assert dict(hits.filter(protocol="train_gallery").select("uuid", "first_relevant_rank").iter_rows()) == {
        "a": 1, "b": None, "c": None,
    }  # fmt: skip
    could = hits.filter(protocol="train_gallery").select("uuid", "n_relevant")
    assert dict(could.iter_rows()) == {"a": 1, "b": 1, "c": 0}


def test_queries_without_gallery_are_scored_not_galleries_without_queries():
    labels, splits = studied({name: ("Fish", None, "Aa", "Aa x", name) for name in "ab"})
    settings = {
        "protocols": ["train_gallery", "leave_one_out"],
        "exclude_same_group": True,
        "ks": [1],
        "depth": 1,
    }
    alone = splits.with_columns(split=pl.lit("test"))
    hits = query_scores.score_queries([neighbours_of({"a": ["b"], "b": ["a"]})], labels, alone, **settings)
    search = hits.filter(protocol="train_gallery", level="species")
    assert search["n_relevant"].to_list() == [0, 0] and search["first_relevant_rank"].to_list() == [
        None,
        None,
    ]
    train = splits.with_columns(split=pl.lit("train"))
    with pytest.raises(ValueError, match="no protocol has a query"):
        query_scores.score_queries([neighbours_of({})], labels, train, **settings)


def test_the_order_of_rows_does_not_matter():
    labels, splits = studied({name: ("Fish", None, "Aa", f"Aa {name in 'ab'}", name) for name in "abc"})
    found = neighbours_of({"a": ["b", "c"], "b": ["c", "a"], "c": ["a", "b"]})
    settings = {"protocols": ["leave_one_out"], "exclude_same_group": True, "ks": [1], "depth": 2}
    hits = query_scores.score_queries([found], labels, splits, **settings)
    assert hits["uuid"].head(3).to_list() == ["a", "b", "c"]
    assert query_scores.score_queries([found], labels.reverse(), splits.reverse(), **settings).equals(hits)


def test_a_level_counts_once_any_image_has_a_label():
    rows = {"a": ("Fish", None, "Aa", None, "a"), "b": ("Fish", "Aidae", "Aa", None, "b")}
    assert query_scores.list_levels(studied(rows)[0]) == ["category", "family", "genus"]
    everyone = {name: ("Fish", "Aidae", "Aa", "Aa x", name) for name in "ab"}
    assert query_scores.list_levels(studied(everyone)[0]) == LABELS


@pytest.mark.parametrize("depth", [1, 2])
def test_a_query_that_found_nobody_has_nothing_right(depth):
    rows = {name: ("Fish", None, "Aa", f"Aa {name in 'ab'}", name) for name in "abcd"}
    found = {"a": "cd", "b": "ac", "c": "ab", "d": "ab"}
    hits = hits_of(rows, {name: others[:depth] for name, others in found.items()}, depth=depth)
    [row, *_] = hits.filter(level="species").to_dicts()
    assert (row["n_relevant"], row["first_relevant_rank"], row["n_relevant_at_k"]) == (1, None, [0, 0])
    assert (row["r_precision"], row["average_precision"]) == (0.0, 0.0)


def test_only_those_that_were_searched_for_are_scored():
    rows = {name: ("Fish", None, "Aa", "Aa x", name) for name in "abc"}
    labels, splits = studied(rows)
    settings = {"protocols": ["leave_one_out"], "exclude_same_group": True, "ks": [1], "depth": 2}
    hits = query_scores.score_queries(
        [neighbours_of({"b": "ac"})], labels, splits, **settings, only=pl.Series("uuid", ["b"])
    ).filter(level="species")
    assert hits.select("uuid", "n_relevant", "first_relevant_rank").rows() == [("b", 2, 1)]


def test_neighbours_may_come_in_parts():
    species = {"a": "Aa x", "b": "Aa x", "c": "Aa y"}
    labels, splits = studied({name: ("Fish", None, "Aa", one, name) for name, one in species.items()})
    parts = [neighbours_of({"b": ["c", "a"]}), neighbours_of({"a": ["b", "c"], "c": ["a", "b"]})]
    settings = {"protocols": ["leave_one_out"], "exclude_same_group": True, "ks": [1], "depth": 2}
    hits = query_scores.score_queries(parts, labels, splits, **settings)
    assert column(hits, "species", "first_relevant_rank") == {"a": 1, "b": 2, "c": None}


def test_a_protocol_without_queries_is_left_out_and_no_query_an_error():
    rows = {name: ("Fish", None, "Aa", "Aa x", name) for name in "ab"}
    hits = hits_of(rows, {"a": ["b"], "b": ["a"]}, wanted=["leave_one_out", "unseen_species"])
    assert set(hits["protocol"]) == {"leave_one_out"}
    with pytest.raises(ValueError, match="no test images: no protocol has a query"):
        hits_of(rows, {"a": ["b"]}, wanted=["unseen_species"])


def test_the_query_that_lacks_a_neighbour_is_named_by_its_protocol():
    labels, splits = studied({name: ("Fish", None, "Aa", "Aa x", name) for name in "abcde"})
    splits = splits.with_columns(split=pl.Series(["train", "train", "test", "test", "test"]))
    found = neighbours_of({"c": "ab", "d": "a", "e": "ab"}, "train_gallery")
    settings = {"protocols": ["train_gallery"], "exclude_same_group": False, "ks": [1], "depth": 2}
    with pytest.raises(ValueError, match="1 of 3 queries have more or fewer .* the first is d with 1, not 2"):
        query_scores.score_queries([found], labels, splits, **settings)
