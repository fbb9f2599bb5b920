"""Example queries of each species with their nearest neighbours, and the species they are mistaken for."""

import polars as pl

N_NEIGHBOURS = 5
"""Neighbours shown of each query."""

MAX_SPECIES = 3000
"""Species of a protocol, the first by category and name: as many as the report's table has rows."""

MAX_QUERIES_PER_SPECIES = 6

MAX_QUERIES = 3000
"""Queries of a protocol; with more than 500 species fewer of each are shown, but at least one."""

SPECIES = ["protocol", "category", "species"]
PREDICTED = ["predicted_category", "predicted"]


def top1_neighbours(neighbours: pl.LazyFrame, labels: pl.LazyFrame) -> pl.DataFrame:
    """Each query with the species of its nearest neighbour: (protocol, uuid, category, species, PREDICTED).

    Queries without a species and those without a neighbour are left out.
    """
    first = neighbours.filter(rank=1).select("protocol", "uuid", "neighbour")
    queries = labels.select("uuid", "category", "species").drop_nulls("species")
    rows = first.join(queries, on="uuid").join(_as_neighbours(labels), on="neighbour")
    return rows.drop("neighbour", "own").collect(engine="streaming")


def select_queries(first: pl.DataFrame) -> pl.DataFrame:
    """The queries that are shown, the same for all models: (protocol, uuid, category, species).

    `first` comes from `top1_neighbours`. Of each species the first queries by uuid are taken, which
    is as good as a random choice.
    """
    queries = first.select("protocol", "uuid", "category", "species").sort(*SPECIES, "uuid")
    species = pl.struct(SPECIES).rle_id()
    queries = queries.with_columns(number=(species - species.min()).over("protocol"))
    queries = queries.filter(pl.col("number") < MAX_SPECIES)
    limit = (MAX_QUERIES // (pl.col("number").max().over("protocol") + 1)).clip(1, MAX_QUERIES_PER_SPECIES)
    return queries.filter(pl.int_range(pl.len()).over(SPECIES) < limit).drop("number")


def neighbours_of(neighbours: pl.LazyFrame, queries: pl.DataFrame, labels: pl.LazyFrame) -> pl.DataFrame:
    """An `ExampleNeighbours` table of `queries` (protocol, uuid, category, species), with `neighbour_label`.

    A neighbour is correct if it has the query's species and category.
    """
    shown = neighbours.filter(pl.col("rank") <= N_NEIGHBOURS)
    rows = shown.join(queries.lazy(), on=["protocol", "uuid"]).join(_as_neighbours(labels), on="neighbour")
    is_correct = (pl.col("predicted_category") == pl.col("category")) & (pl.col("own") == pl.col("species"))
    rows = rows.with_columns(correct=is_correct.fill_null(False), neighbour_label="predicted")
    return rows.drop(*PREDICTED, "own").collect(engine="streaming").sort("protocol", "uuid", "rank")


def count_errors(first: pl.DataFrame) -> pl.DataFrame:
    """A `Mistaken` table: the species that the queries of each species are mistaken for.

    `first` comes from `top1_neighbours`.
    """
    counts = first.group_by(*SPECIES, *PREDICTED).agg(n=pl.len().cast(pl.Int64))
    counts = counts.with_columns(n_queries=pl.col("n").sum().over(SPECIES))
    is_correct = (pl.col("predicted_category") == pl.col("category")) & (
        pl.col("predicted") == pl.col("species")
    )
    return counts.filter(~is_correct)


def _as_neighbours(labels: pl.LazyFrame) -> pl.LazyFrame:
    """Images as neighbours: (neighbour, PREDICTED, own); `own` is the species, null where it is unknown."""
    name = pl.coalesce("species", "genus")
    return labels.select(neighbour="uuid", predicted_category="category", predicted=name, own="species")
