"""Confusions: the label of a query and that of its nearest image."""

import polars as pl

CONFUSION_LEVELS = ["genus", "species"]


def count_confusions(nearest: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """How many queries of each label have a nearest image of each label, as a `Confusions` table.

    `nearest` has a row (protocol, query, neighbour) for each query and protocol. Queries without a
    label at a level do not count there. A nearest image without a species is predicted by its genus.
    """
    names = labels.select("category", *CONFUSION_LEVELS, query="uuid")
    predicted = labels.select(
        neighbour="uuid",
        predicted_category="category",
        predicted_genus="genus",
        predicted_species=pl.coalesce("species", "genus"),
    )
    both = nearest.join(names, on="query").join(predicted, on="neighbour")
    return pl.concat(_count_level(both, level) for level in CONFUSION_LEVELS)


def _count_level(both: pl.DataFrame, level: str) -> pl.DataFrame:
    queries = both.select(
        "protocol",
        "category",
        "predicted_category",
        level=pl.lit(level),
        label=level,
        predicted=f"predicted_{level}",
    ).drop_nulls("label")
    counts = queries.group_by(pl.all()).agg(n=pl.len().cast(pl.Int64))
    return counts.with_columns(n_queries=pl.col("n").sum().over("protocol", "category", "label"))


def select_errors(confusions: pl.DataFrame, *, level: str) -> pl.DataFrame:
    """The rows of a `Confusions` table at a level whose predicted label is wrong."""
    is_correct = (pl.col("category") == pl.col("predicted_category")) & (
        pl.col("label") == pl.col("predicted")
    )
    return confusions.filter(~is_correct, level=level)
