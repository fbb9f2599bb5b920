"""Recall by the number of training images."""

from typing import cast

import numpy as np
import polars as pl
from scipy import stats

from nearkin.tables.categories import genus_expr

BUCKETS = [(0, "0"), (5, "1-5"), (10, "6-10"), (20, "11-20"), (50, "21-50")]
MORE = "50+"


def tabulate_training_size(recall: pl.DataFrame, labels: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Species recall@1 with the training images of each species: a `TrainingSize` table.

    Of `recall`, the `Metrics` of one model, it takes the leave-one-out recalls over all queries.
    """
    species_recall = recall.filter(
        protocol="leave_one_out",
        level="species",
        metric="recall",
        average="per_label",
        query_subset="all",
        k=1,
    )
    train = labels.join(splits.filter(split="train").select("uuid"), on="uuid")
    counts = train.group_by("category", species="species").agg(n_train=pl.len().cast(pl.Int64))
    sizes = species_recall.select("category", "n_queries", species="label", recall="value")
    sizes = sizes.join(counts, on=["category", "species"], how="left")
    n_train = pl.col("n_train").fill_null(0)
    return sizes.with_columns(
        n_train=n_train,
        genus=genus_expr("species"),
        bucket=bucket_expr(n_train),
    )


def bucket_expr(n_images: pl.Expr) -> pl.Expr:
    """The bucket of a number of images, as an expression."""
    bucket = pl.lit(MORE)
    for max_images, name in reversed(BUCKETS):
        bucket = pl.when(n_images <= max_images).then(pl.lit(name)).otherwise(bucket)
    return bucket


def pearson_correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    """Pearson's r, or None where it is not defined: under three points, or no spread."""
    if len(x) < 3 or not np.ptp(x) or not np.ptp(y):
        return None
    return float(cast(float, stats.pearsonr(x, y)[0]))
