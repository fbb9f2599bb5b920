"""Who is taken for whom: the label of a query beside that of its nearest image."""

import polars as pl

LEVELS = ["genus", "species"]


def count_confusions(nearest, labels):
    """How many queries of each label have a nearest image of each label, as a `Confusions` table.

    `nearest` has a row (uuid, neighbour) for each query. Queries without a label at a level
    do not count there.
    """
    names = labels.select("uuid", "category", *LEVELS)
    found = names.rename({"uuid": "neighbour"} | {name: f"found {name}" for name in names.columns[1:]})
    both = nearest.join(names, on="uuid").join(found, on="neighbour")
    return pl.concat(_counted(both, level) for level in LEVELS)


def _counted(both, level):
    asked = both.select(
        "category",
        level=pl.lit(level),
        label=level,
        predicted_category="found category",
        predicted=f"found {level}",
    ).drop_nulls("label")
    counted = asked.group_by(pl.all()).agg(n=pl.len().cast(pl.Int64))
    return counted.with_columns(n_queries=pl.col("n").sum().over("category", "label")).drop_nulls("predicted")
