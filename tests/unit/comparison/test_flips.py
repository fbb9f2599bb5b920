"""Which queries became correct or wrong, and which neighbours changed."""

import polars as pl

from nearkin.comparison.flips import compare_top1
from nearkin.tables.scores import Flips


def hits_of(first):
    return pl.DataFrame(
        {
            "protocol": "train_gallery",
            "level": "species",
            "uuid": list(first),
            "category": "Fish",
            "label": "Aa x",
            "first_relevant_rank": pl.Series(first.values(), dtype=pl.Int32),
        }
    )


def nearest_of(found):
    return pl.DataFrame(
        {"protocol": "train_gallery", "query": list(found), "neighbour": list(found.values())}
    )


def test_every_outcome():
    base = {"a": 1, "b": 4, "c": 1, "d": None, "e": None}
    trained = {"a": 1, "b": 1, "c": 2, "d": 3, "e": None}
    before = nearest_of({"a": "u", "b": "v", "c": "w", "d": "x"})
    after = nearest_of({"a": "u", "b": "y", "c": "z", "d": "x"})
    table = compare_top1([hits_of(base), hits_of(trained)], [before, after])
    Flips.validate(table.select(Flips.column_names()))
    rows = {row["uuid"]: row for row in table.to_dicts()}
    outcomes = {uuid: row["outcome"] for uuid, row in rows.items()}
    assert outcomes == {"a": "both_right", "b": "gained", "c": "lost", "d": "both_wrong", "e": "both_wrong"}
    assert (rows["b"]["base_nearest"], rows["b"]["trained_nearest"]) == ("v", "y")
    assert (rows["c"]["base_first_relevant_rank"], rows["c"]["trained_first_relevant_rank"]) == (1, 2)
    assert rows["e"]["base_nearest"] is None  # an empty gallery
