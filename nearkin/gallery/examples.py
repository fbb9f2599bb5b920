"""Queries that stand for their species, with their nearest neighbours, and whom species are taken for."""

import polars as pl

N_NEIGHBOURS = 5
"""Of each query, the nearest that are shown."""

MAX_SPECIES = 3000
"""Of a protocol, by category and name: as many as the report's table has rows."""

MAX_QUERIES_PER_SPECIES = 6
"""Of a species."""

MAX_QUERIES = 3000
"""Queries of a protocol; with more than 500 species fewer of each are shown, but at least one."""

SPECIES = ["protocol", "category", "species"]
PREDICTED = ["predicted_category", "predicted"]


def top1_neighbours(neighbours, labels):
    """Every query of a species with its nearest neighbour's: (protocol, uuid, category, species, TAKEN).

    `neighbours` and `labels` are lazy. A query that found nobody is left out.
    """
    first = neighbours.filter(rank=1).select("protocol", "uuid", "neighbour")
    named = labels.select("uuid", "category", "species").drop_nulls("species")
    found = first.join(named, on="uuid").join(_as_neighbours(labels), on="neighbour")
    return found.drop("neighbour").collect(engine="streaming")


def select_queries(first):
    """The queries that are shown, the same for all models: (protocol, uuid, category, species).

    `first` is that of `top1_neighbours`. Of each species it is those that come first by uuid, which
    is as good as by lot.
    """
    queries = first.select("protocol", "uuid", "category", "species").sort(*SPECIES, "uuid")
    species = pl.struct(SPECIES).rle_id()
    queries = queries.with_columns(place=(species - species.min()).over("protocol"))
    queries = queries.filter(pl.col("place") < MAX_SPECIES)
    most = (MAX_QUERIES // (pl.col("place").max().over("protocol") + 1)).clip(1, MAX_QUERIES_PER_SPECIES)
    return queries.filter(pl.int_range(pl.len()).over(SPECIES) < most).drop("place")


def neighbours_of(neighbours, queries, labels):
    """The nearest neighbours of `queries` (protocol, uuid, category, species), each with `neighbour_label`.

    As in `ExampleNeighbours`; a neighbour is right if it has the query's species and category.
    """
    shown = neighbours.filter(pl.col("rank") <= N_NEIGHBOURS)
    found = shown.join(queries.lazy(), on=["protocol", "uuid"]).join(
        _as_neighbours(labels, "own"), on="neighbour"
    )
    right = (pl.col("predicted_category") == pl.col("category")) & (pl.col("own") == pl.col("species"))
    found = found.with_columns(correct=right.fill_null(False), neighbour_label="predicted")
    return found.drop(*PREDICTED, "own").collect(engine="streaming").sort("protocol", "uuid", "rank")


def count_errors(first):
    """Whom the queries of each species are taken for, as a `Mistaken` table."""
    counted = first.group_by(*SPECIES, *PREDICTED).agg(n=pl.len().cast(pl.Int64))
    counted = counted.with_columns(n_queries=pl.col("n").sum().over(SPECIES))
    same = (pl.col("predicted_category") == pl.col("category")) & (pl.col("predicted") == pl.col("species"))
    return counted.filter(~same)


def _as_neighbours(labels, *more):
    """Images as they are found: neighbour, PREDICTED, and their `own` species if it is asked for."""
    name = pl.coalesce("species", "genus")
    columns = {"own": pl.col("species")} if more else {}
    return labels.select(neighbour="uuid", predicted_category="category", predicted=name, **columns)
