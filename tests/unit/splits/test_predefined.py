"""Earlier splits and deliveries: words become splits, and reasons are kept."""

import polars as pl
import pytest

from nearkin.splits import predefined


def delivered(rows):
    """The splits of (image, word) rows, as rows (uuid, split, evidence)."""
    images = pl.DataFrame(rows, schema={"uuid": pl.String, "split": pl.String}, orient="row")
    table = predefined.read_delivered(images)
    assert table.schema == predefined.COLUMNS
    return table.select("uuid", "split", "evidence").sort("uuid").rows()


def test_common_words_are_sides_whatever_their_case():
    words = [
        "Train",
        "TRAINING ",
        "pretrain",
        "dev",
        "Validation",
        "testing",
        "Test-Unseen",
        "key_unseen",
        "seen/test",
    ]
    sides = ["train", "train", "train", "val", "val", "test", "unseen_species", "unseen_species", "test"]
    rows = [(f"{i}", word) for i, word in enumerate(words)]
    assert delivered(rows) == [(f"{i}", side, None) for i, side in enumerate(sides)]


def test_an_image_without_a_word_has_no_side():
    assert delivered([("a", None), ("b", " "), ("c", "no split"), ("d", "test")]) == [("d", "test", None)]


def test_an_image_on_several_sides_is_tested():
    rows = [
        ("a", "train"),
        ("a", "test"),
        ("a", "train"),
        ("b", "val"),
        ("b", "train"),
        ("c", "val"),
        ("c", "dev"),
    ]
    message = [("a", "test", "delivered as test and train"), ("b", "val", "delivered as val and train")]
    assert delivered(rows) == [*message, ("c", "val", None)]


def test_unknown_words_are_named_with_those_that_are_known():
    with pytest.raises(
        ValueError, match="2 words .* name no split: 'fold 1', 'x{40}'; known are train, .*columns.split"
    ):
        delivered([("a", "fold 1"), ("b", "x" * 1000), ("c", "train")])
    with pytest.raises(ValueError, match="1 words of the delivered split"):
        delivered([("a", "fold 1"), ("b", "fold 1")])
    with pytest.raises(ValueError, match="the source delivers no split"):
        delivered([("a", None)])


def test_an_earlier_split_keeps_its_first_reasons():
    previous = pl.DataFrame(
        {
            "uuid": list("abcde"),
            "split": ["train", "train", "excluded", "train", "test"],
            "reason": [None, "too_few_groups", "would_leak", "from_previous", "from_previous"],
            "evidence": [None, "2 to assign", "ties x to y", "from_source", None],
        }
    )
    table = predefined.read_previous(previous)
    assert table.schema == predefined.COLUMNS
    assert table["split"].equals(previous["split"])
    assert table["reason"].to_list() == [
        "from_previous",
        "from_previous",
        "would_leak",
        "from_previous",
        "from_previous",
    ]
    assert table["evidence"].to_list() == [None, "too_few_groups", "ties x to y", "from_source", None]


def test_an_earlier_split_counts_before_a_delivered_one():
    first = pl.DataFrame(
        [("a", "train", True, "from_previous", None)], schema=predefined.COLUMNS, orient="row"
    )
    second = pl.DataFrame(
        [("a", "test", False, "from_source", None), ("b", "test", False, "from_source", None)],
        schema=predefined.COLUMNS,
        orient="row",
    )
    assert predefined.combine_predefined([first, second])["uuid", "split"].rows() == [
        ("a", "train"),
        ("b", "test"),
    ]
    assert predefined.combine_predefined([]).is_empty()


def test_an_image_on_several_sides_keeps_the_first_by_priority():
    uuids = [f"u{i:03}" for i in range(60)]
    sides = ["train", "val", "test"]
    images = pl.DataFrame({"uuid": [uuid for uuid in uuids for _ in sides], "split": sides * len(uuids)})
    table = predefined.read_delivered(images.sample(fraction=1, shuffle=True, seed=1)).sort("uuid")
    assert table["split"].to_list() == ["test"] * len(uuids)
    assert set(table["evidence"]) == {"delivered as test and val and train"}


def test_unknown_words_are_listed_in_order():
    words = [f"fold {i}" for i in range(9)]
    images = pl.DataFrame({"uuid": list("abcdefghi"), "split": words}).reverse()
    with pytest.raises(ValueError, match=f"9 words .*: {', '.join(map(repr, words))}; known"):
        predefined.read_delivered(images)
