"""Predefined splits of a previous run and of a delivery: words become splits, reasons are kept."""

import polars as pl
import pytest

from nearkin.splits import predefined


def read_delivered_rows(rows):
    """The splits of (image, word) rows, as rows (uuid, split, evidence)."""
    images = pl.DataFrame(rows, schema={"uuid": pl.String, "split": pl.String}, orient="row")
    table = predefined.read_delivered(images)
    assert table.schema == predefined.COLUMNS
    return table.select("uuid", "split", "evidence").sort("uuid").rows()


def test_common_words_name_a_split_in_any_case():
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
    splits = ["train", "train", "train", "val", "val", "test", "unseen_species", "unseen_species", "test"]
    rows = [(f"{i}", word) for i, word in enumerate(words)]
    assert read_delivered_rows(rows) == [(f"{i}", split, None) for i, split in enumerate(splits)]


def test_an_image_without_a_word_has_no_split():
    assert read_delivered_rows([("a", None), ("b", " "), ("c", "no split"), ("d", "test")]) == [
        ("d", "test", None)
    ]


def test_an_image_in_test_and_another_split_is_tested():
    rows = [
        ("a", "train"),
        ("a", "test"),
        ("a", "train"),
        ("b", "val"),
        ("b", "train"),
        ("c", "val"),
        ("c", "dev"),
    ]
    conflicts = [("a", "test", "delivered as test and train"), ("b", "val", "delivered as val and train")]
    assert read_delivered_rows(rows) == [*conflicts, ("c", "val", None)]


def test_unknown_words_are_reported_with_the_known_ones():
    with pytest.raises(
        ValueError, match="2 words .* name no split: 'fold 1', 'x{40}'; known are train, .*columns.split"
    ):
        read_delivered_rows([("a", "fold 1"), ("b", "x" * 1000), ("c", "train")])
    with pytest.raises(ValueError, match="1 words of the delivered split"):
        read_delivered_rows([("a", "fold 1"), ("b", "fold 1")])
    with pytest.raises(ValueError, match="the source delivers no split"):
        read_delivered_rows([("a", None)])


def test_a_previous_split_keeps_its_first_reasons():
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


def test_a_previous_split_has_priority_over_a_delivered_one():
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


def test_an_image_in_several_splits_keeps_the_first_by_priority():
    uuids = [f"u{i:03}" for i in range(60)]
    splits = ["train", "val", "test"]
    images = pl.DataFrame({"uuid": [uuid for uuid in uuids for _ in splits], "split": splits * len(uuids)})
    table = predefined.read_delivered(images.sample(fraction=1, shuffle=True, seed=1)).sort("uuid")
    assert table["split"].to_list() == ["test"] * len(uuids)
    assert set(table["evidence"]) == {"delivered as test and val and train"}


def test_unknown_words_are_listed_in_order():
    words = [f"fold {i}" for i in range(9)]
    images = pl.DataFrame({"uuid": list("abcdefghi"), "split": words}).reverse()
    with pytest.raises(ValueError, match=f"9 words .*: {', '.join(map(repr, words))}; known"):
        predefined.read_delivered(images)
