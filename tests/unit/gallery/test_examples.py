"""Example queries of a species and their neighbours."""

import polars as pl

from nearkin.gallery import examples
from nearkin.tables.gallery import ExampleNeighbours
from tests.factories.random_study import labels_of

SPECIES = ["Aa x", "Aa x", "Aa x", "Bb y", "Bb y", "Aa x"]
LABELS = labels_of(SPECIES, ["Fish"] * 5 + ["Bird"])
UUIDS = LABELS["uuid"].to_list()


def make_neighbours(*rows):
    """Neighbours from tuples (query, neighbour, ...) of numbers."""
    return pl.LazyFrame(
        [
            ("leave_one_out", UUIDS[query], rank, UUIDS[neighbour], 1 - rank / 10)
            for query, *nearest in rows
            for rank, neighbour in enumerate(nearest, 1)
        ],
        schema={
            "protocol": pl.String,
            "query": pl.String,
            "rank": pl.Int32,
            "neighbour": pl.String,
            "similarity": pl.Float64,
        },
        orient="row",
    )


def test_a_neighbour_of_the_species_in_another_category_is_wrong():
    neighbours = make_neighbours((0, 1, 5, 3))
    queries = examples.select_queries(neighbours, LABELS.lazy())
    rows = examples.neighbours_of(neighbours, queries, LABELS.lazy())
    assert rows["correct"].to_list() == [True, False, False]
    assert rows["neighbour_label"].to_list() == ["Aa x", "Aa x", "Bb y"]
    ExampleNeighbours.validate(rows.select(ExampleNeighbours.column_names()))


def test_images_without_species_show_their_genus():
    labels = LABELS.with_columns(species=pl.when(pl.col("uuid") != UUIDS[3]).then("species")).lazy()
    neighbours = make_neighbours((0, 3), (3, 0))
    queries = examples.select_queries(neighbours, labels)
    assert queries["query"].to_list() == [UUIDS[0]]
    rows = examples.neighbours_of(neighbours, queries, labels)
    assert rows.select("neighbour_label", "correct").rows() == [("Bb", False)]


def select_from_rows(rows):
    """The selection of `select_queries` from rows (protocol, query, category, species) in a random order."""
    rows = pl.DataFrame(rows).sample(fraction=1, shuffle=True, seed=1)
    labels = rows.select("category", "species", uuid="query").unique()
    return examples.select_queries(rows.with_columns(rank=1).lazy(), labels.lazy())


def test_the_first_queries_by_uuid_are_shown_in_any_row_order():
    selected = select_from_rows(
        {"protocol": protocol, "query": f"{name} {i:02d}", "category": "Fish", "species": f"Aa {name}"}
        for protocol in ("leave_one_out", "train_gallery")
        for name, n in (("few", 2), ("many", 9))
        for i in range(n)
    )
    counts = selected.group_by("protocol", "species").agg(pl.len(), pl.col("query").max())
    assert set(counts.select("species", "len", "query").rows()) == {
        ("Aa few", 2, "few 01"),
        ("Aa many", examples.MAX_QUERIES_PER_SPECIES, "many 05"),
    }


def test_with_many_species_fewer_queries_of_each_are_shown():
    n = examples.MAX_QUERIES // 2
    rows = pl.DataFrame({"species": [f"Aa {i % n:05d}" for i in range(4 * n)]}).with_columns(
        protocol=pl.lit("unseen_species"), category=pl.lit("Fish"), query=pl.int_range(4 * n).cast(pl.String)
    )
    assert select_from_rows(rows).group_by("species").len()["len"].unique().to_list() == [2]
    assert len(select_from_rows(rows.with_columns(species="query"))) == examples.MAX_SPECIES
