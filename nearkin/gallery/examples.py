"""Example queries of each species with their nearest neighbours."""

import polars as pl

N_NEIGHBOURS = 5
"""Neighbours shown of each query."""

MAX_SPECIES = 3000
"""Species of a protocol, the first by category and name: as many as the report's table has rows."""

MAX_QUERIES_PER_SPECIES = 6

MAX_QUERIES = 3000
"""Queries of a protocol; with more than 500 species fewer of each are shown, but at least one."""

SPECIES = ["protocol", "category", "species"]


def select_queries(neighbours: pl.LazyFrame, labels: pl.LazyFrame) -> pl.DataFrame:
    """The queries that are shown, the same for all models: (protocol, query, category, species).

    Of each species the first queries by uuid are taken, which is as good as a random choice. Queries
    without a species or without a neighbour are left out.
    """
    named = labels.select("category", "species", query="uuid").drop_nulls("species")
    nearest = neighbours.filter(rank=1).select("protocol", "query")
    queries = nearest.join(named, on="query").collect(engine="streaming").sort(*SPECIES, "query")
    species = pl.struct(SPECIES).rle_id()
    queries = queries.with_columns(number=(species - species.min()).over("protocol"))
    queries = queries.filter(pl.col("number") < MAX_SPECIES)
    limit = (MAX_QUERIES // (pl.col("number").max().over("protocol") + 1)).clip(1, MAX_QUERIES_PER_SPECIES)
    return queries.filter(pl.int_range(pl.len()).over(SPECIES) < limit).drop("number")


def neighbours_of(neighbours: pl.LazyFrame, queries: pl.DataFrame, labels: pl.LazyFrame) -> pl.DataFrame:
    """An `ExampleNeighbours` table of `queries` (protocol, query, category, species), with `neighbour_label`.

    A neighbour is correct if it has the query's species and category.
    """
    names = labels.select(
        neighbour="uuid",
        neighbour_category="category",
        neighbour_species="species",
        neighbour_label=pl.coalesce("species", "genus"),
    )
    shown = neighbours.filter(pl.col("rank") <= N_NEIGHBOURS)
    rows = shown.join(queries.lazy(), on=["protocol", "query"]).join(names, on="neighbour")
    is_correct = (pl.col("neighbour_category") == pl.col("category")) & (
        pl.col("neighbour_species") == pl.col("species")
    )
    rows = rows.with_columns(correct=is_correct.fill_null(False))
    rows = rows.drop("neighbour_category", "neighbour_species")
    return rows.collect(engine="streaming").sort("protocol", "query", "rank")
