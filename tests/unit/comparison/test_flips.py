"""Which queries became correct or wrong, and which neighbours changed."""

import polars as pl

from nearkin.comparison.flips import compare_top1
from nearkin.tables.scores import Flips


def make_hits(first_ranks):
    return pl.DataFrame(
        {
            "protocol": "train_gallery",
            "level": "species",
            "uuid": list(first_ranks),
            "category": "Fish",
            "label": "Aa x",
            "first_relevant_rank": pl.Series(first_ranks.values(), dtype=pl.Int32),
        }
    )


def make_nearest(nearest):
    return pl.DataFrame(
        {"protocol": "train_gallery", "query": list(nearest), "neighbour": list(nearest.values())}
    )


def test_every_outcome_is_reported():
    base = {"a": 1, "b": 4, "c": 1, "d": None, "e": None}
    trained = {"a": 1, "b": 1, "c": 2, "d": 3, "e": None}
    before = make_nearest({"a": "u", "b": "v", "c": "w", "d": "x"})
    after = make_nearest({"a": "u", "b": "y", "c": "z", "d": "x"})
    table = compare_top1([make_hits(base), make_hits(trained)], [before, after])
    Flips.validate(table.select(Flips.column_names()))
    rows = {row["uuid"]: row for row in table.to_dicts()}
    outcomes = {uuid: row["outcome"] for uuid, row in rows.items()}
    assert outcomes == {"a": "both_right", "b": "gained", "c": "lost", "d": "both_wrong", "e": "both_wrong"}
    assert (rows["b"]["base_nearest"], rows["b"]["trained_nearest"]) == ("v", "y")
    assert (rows["c"]["base_first_relevant_rank"], rows["c"]["trained_first_relevant_rank"]) == (1, 2)
    assert rows["e"]["base_nearest"] is None  # an empty gallery
