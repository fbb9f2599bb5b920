"""What a dataset consists of."""

import polars as pl

from nearkin.tables.categories import distinct_categories
from nearkin.vocabulary import ALL, EXCLUDED, SPLITS


def describe_dataset(labels: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Images, groups, species and genera by category and split: a `Statistics` table.

    There are rows for excluded images only if any are excluded. Where no image has a category, only the
    rows of all categories are there.
    """
    images = labels.join(splits.select("uuid", "split", "group_id"), on="uuid")
    scopes = [images.with_columns(category=pl.lit(ALL))]
    scopes += [images] if distinct_categories(images["category"]) else []
    scopes += [scope.with_columns(split=pl.lit(ALL)) for scope in scopes]
    everything = pl.concat(scopes)
    counted = everything.group_by("category", "split").agg(
        n_images=pl.len().cast(pl.Int64),
        n_groups=pl.col("group_id").n_unique().cast(pl.Int64),
        n_species=pl.col("species").drop_nulls().n_unique().cast(pl.Int64),
        n_genera=pl.col("genus").n_unique().cast(pl.Int64),
        median_images=pl.col("species").drop_nulls().unique_counts().median(),
    )
    split_names = [*SPLITS, *images.filter(split=EXCLUDED)["split"].unique(), ALL]
    cross = everything.select("category").unique().join(pl.DataFrame({"split": split_names}), how="cross")
    counts = pl.col("n_images", "n_groups", "n_species", "n_genera").fill_null(0)
    return cross.join(counted, on=["category", "split"], how="left").with_columns(counts)
