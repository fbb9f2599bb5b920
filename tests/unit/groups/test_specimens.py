"""Specimens from the delivery and from file names."""

import polars as pl
import pytest

from nearkin.groups.specimens import find_specimens

PATHS = ["a/fish_7_1.png", "fish_8_1.png", "b/fish_7_2.png", "fish_7/other.png"]


def find_rows(paths=PATHS, delivered=None, expressions=()):
    """Sets of rows that show one specimen."""
    uuids = [str(number) for number in range(len(paths))]
    images = pl.DataFrame({"uuid": uuids, "path": paths})
    specimens = pl.DataFrame(delivered or [], schema={"uuid": pl.String, "specimen": pl.String}, orient="row")
    links = find_specimens(images, specimens, expressions)
    return sorted(sorted(link["at"]) for _, link in links.group_by("value"))


def test_expressions_match_the_file_name_not_its_folder():
    assert find_rows(expressions=["fish_(\\d+)"]) == [[0, 2], [1]]
    assert find_rows(expressions=["^fish_(\\d+)_", "_([12])\\.png$"]) == [[0, 1], [0, 2], [1], [2]]
    assert find_rows() == []


def test_all_delivered_specimens_of_an_image_count():
    delivered = [("0", "A"), ("1", " A "), ("1", "B"), ("2", "B"), ("3", None), ("3", " "), ("9", "A")]
    assert find_rows(delivered=delivered) == [[0, 1], [1, 2]]


def test_delivered_and_captured_values_stay_separate():
    delivered = [("0", "8"), ("2", "8")]
    assert find_rows(delivered=delivered, expressions=["fish_(\\d+)_"]) == [[0, 2], [0, 2], [1]]


@pytest.mark.parametrize(
    ("expression", "message"),
    [("^fish_", "has 0 groups"), ("(a)(b)", "has 2 groups"), ("(?=a)(b)", "no look-around")],
)
def test_a_bad_expression_is_reported(expression, message):
    with pytest.raises(ValueError, match=message):
        find_rows(expressions=[expression])


def test_a_hostile_name_takes_no_time():
    assert find_rows(paths=["a" * 100_000], expressions=["(a+a+a+a+)b$"]) == []


def find_values(paths, delivered, expressions):
    images = pl.DataFrame({"uuid": ["0", "1"], "path": paths, "category": ["Fish", "Bird"]})
    specimens = pl.DataFrame(delivered, schema={"uuid": pl.String, "specimen": pl.String}, orient="row")
    return find_specimens(images, specimens, expressions).rows()


def test_a_value_contains_its_origin_and_the_captured_text():
    links = find_values(["a/x7y.png", "x7y.png"], [("1", " A "), ("1", " A ")], ["x(.)y", "(.)y"])
    assert links == [
        (1, "delivered\nA"),  # once, although it is delivered twice
        (0, "name 0\n7"),
        (1, "name 0\n7"),
        (0, "name 1\n7"),
        (1, "name 1\n7"),
    ]
