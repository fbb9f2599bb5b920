"""Example queries of a species, their neighbours, and the species they are mistaken for."""

import polars as pl

from nearkin.gallery import examples
from nearkin.tables.gallery import ExampleNeighbours, Mistaken
from tests.factories.random_study import labels_of

SPECIES = ["Aa x", "Aa x", "Aa x", "Bb y", "Bb y", "Aa x"]
LABELS = labels_of(SPECIES, ["Fish"] * 5 + ["Bird"])
UUIDS = LABELS["uuid"].to_list()


def neighbours_of(*rows):
    """Neighbours from tuples (query, neighbour, ...) of numbers."""
    return pl.LazyFrame(
        [
            ("leave_one_out", UUIDS[query], rank, UUIDS[neighbour], 1 - rank / 10)
            for query, *nearest in rows
            for rank, neighbour in enumerate(nearest, 1)
        ],
        schema={
            "protocol": pl.String,
            "uuid": pl.String,
            "rank": pl.Int32,
            "neighbour": pl.String,
            "similarity": pl.Float64,
        },
        orient="row",
    )


def test_a_neighbour_of_the_species_in_another_category_is_wrong():
    neighbours = neighbours_of((0, 1, 5, 3))
    first = examples.top1_neighbours(neighbours, LABELS.lazy())
    rows = examples.neighbours_of(neighbours, examples.select_queries(first), LABELS.lazy())
    assert rows["correct"].to_list() == [True, False, False]
    assert rows["neighbour_label"].to_list() == ["Aa x", "Aa x", "Bb y"]
    ExampleNeighbours.validate(rows.select(ExampleNeighbours.column_names()))


def test_errors_are_counted_among_all_queries_of_a_species():
    first = examples.top1_neighbours(neighbours_of((0, 3), (1, 4), (2, 0), (3, 4)), LABELS.lazy())
    rows = Mistaken.validate(examples.count_errors(first))
    assert rows.select("species", "predicted", "n", "n_queries").rows() == [("Aa x", "Bb y", 2, 3)]


def test_images_without_a_species_do_not_query_and_count_as_their_genus():
    labels = LABELS.with_columns(species=pl.when(pl.col("uuid") != UUIDS[3]).then("species"))
    first = examples.top1_neighbours(neighbours_of((0, 3), (3, 0)), labels.lazy())
    assert first.select("uuid", "predicted").rows() == [(UUIDS[0], "Bb")]


def test_the_first_queries_by_uuid_are_shown_whatever_the_order_of_rows():
    rows = [
        {"protocol": protocol, "uuid": f"{i:02d}", "category": "Fish", "species": f"Aa {name}"}
        for protocol in ("leave_one_out", "train_gallery")
        for name, n in (("few", 2), ("many", 9))
        for i in range(n)
    ]
    first = pl.DataFrame(rows)
    chosen = examples.select_queries(first.sample(fraction=1, shuffle=True, seed=1))
    assert chosen.equals(examples.select_queries(first))
    counted = chosen.group_by("protocol", "species").agg(pl.len(), pl.col("uuid").max())
    assert set(counted.select("species", "len", "uuid").rows()) == {
        ("Aa few", 2, "01"),
        ("Aa many", examples.MAX_QUERIES_PER_SPECIES, "05"),
    }


def test_with_many_species_fewer_queries_of_each_are_shown():
    n = examples.MAX_QUERIES // 2
    rows = pl.DataFrame({"species": [f"Aa {i % n:05d}" for i in range(4 * n)]}).with_row_index("uuid")
    same = {"protocol": pl.lit("unseen_species"), "category": pl.lit("Fish")}
    first = rows.with_columns(pl.col("uuid").cast(pl.String), **same)
    assert examples.select_queries(first).group_by("species").len()["len"].unique().to_list() == [2]
    assert len(examples.select_queries(first.with_columns(species="uuid"))) == examples.MAX_SPECIES
