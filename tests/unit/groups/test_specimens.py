"""Specimens according to the delivery and to file names."""

import polars as pl
import pytest

from nearkin.groups.specimens import find_specimens

PATHS = ["a/fish_7_1.png", "fish_8_1.png", "b/fish_7_2.png", "fish_7/other.png"]


def rows(paths=PATHS, delivered=None, expressions=()):
    """Sets of rows that show one specimen."""
    uuids = [str(number) for number in range(len(paths))]
    images = pl.DataFrame({"uuid": uuids, "path": paths})
    message = pl.DataFrame(delivered or [], schema={"uuid": pl.String, "specimen": pl.String}, orient="row")
    found = find_specimens(images, message, expressions)
    return sorted(sorted(part["at"]) for _, part in found.group_by("value"))


def test_expressions_match_the_file_name_not_its_folder():
    assert rows(expressions=["fish_(\\d+)"]) == [[0, 2], [1]]
    assert rows(expressions=["^fish_(\\d+)_", "_([12])\\.png$"]) == [[0, 1], [0, 2], [1], [2]]
    assert rows() == []


def test_what_the_delivery_says_of_each_of_an_image_s_rows():
    delivered = [("0", "A"), ("1", " A "), ("1", "B"), ("2", "B"), ("3", None), ("3", " "), ("9", "A")]
    assert rows(delivered=delivered) == [[0, 1], [1, 2]]


def test_ways_of_knowing_are_kept_apart():
    delivered = [("0", "8"), ("2", "8")]
    assert rows(delivered=delivered, expressions=["fish_(\\d+)_"]) == [[0, 2], [0, 2], [1]]


@pytest.mark.parametrize(
    ("expression", "message"),
    [("^fish_", "has 0 groups"), ("(a)(b)", "has 2 groups"), ("(?=a)(b)", "no look-around")],
)
def test_a_bad_expression_is_named(expression, message):
    with pytest.raises(ValueError, match=message):
        rows(expressions=[expression])


def test_a_hostile_name_takes_no_time():
    assert rows(paths=["a" * 100_000], expressions=["(a+a+a+a+)b$"]) == []


def table(paths, delivered, expressions):
    images = pl.DataFrame({"uuid": ["0", "1"], "path": paths, "category": ["Fish", "Bird"]})
    message = pl.DataFrame(delivered, schema={"uuid": pl.String, "specimen": pl.String}, orient="row")
    return find_specimens(images, message, expressions).rows()


def test_a_value_says_how_it_is_known_and_what_was_captured():
    found = table(["a/x7y.png", "x7y.png"], [("1", " A "), ("1", " A ")], ["x(.)y", "(.)y"])
    assert found == [
        (1, "delivered\nA"),  # once, though it is delivered twice
        (0, "name 0\n7"),
        (1, "name 0\n7"),
        (0, "name 1\n7"),
        (1, "name 1\n7"),
    ]
