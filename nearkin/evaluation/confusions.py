"""Confusions: the label of a query and that of its nearest image."""

import polars as pl

LEVELS = ["genus", "species"]


def count_confusions(nearest: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """How many queries of each label have a nearest image of each label, as a `Confusions` table.

    `nearest` has a row (uuid, neighbour) for each query. Queries without a label at a level
    do not count there.
    """
    names = labels.select("uuid", "category", *LEVELS)
    predicted = names.rename(
        {"uuid": "neighbour"} | {name: f"predicted {name}" for name in names.columns[1:]}
    )
    both = nearest.join(names, on="uuid").join(predicted, on="neighbour")
    return pl.concat(_count_level(both, level) for level in LEVELS)


def _count_level(both: pl.DataFrame, level: str) -> pl.DataFrame:
    queries = both.select(
        "category",
        level=pl.lit(level),
        label=level,
        predicted_category="predicted category",
        predicted=f"predicted {level}",
    ).drop_nulls("label")
    counts = queries.group_by(pl.all()).agg(n=pl.len().cast(pl.Int64))
    return counts.with_columns(n_queries=pl.col("n").sum().over("category", "label")).drop_nulls("predicted")
