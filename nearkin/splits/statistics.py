"""What a dataset consists of, and recall beside the number of training images."""

import polars as pl

from nearkin.tables.categories import distinct, genus_of
from nearkin.vocabulary import ALL, ASIDE, SPLITS

BUCKETS = [(0, "0"), (5, "1-5"), (10, "6-10"), (20, "11-20"), (50, "21-50")]
MORE = "50+"


def describe(labels, splits):
    """Images, groups, species and genera by category and split: a `Statistics` table.

    Images that were set aside have rows where there are any. Where no image has a category, there are
    only the rows of all.
    """
    images = labels.join(splits.select("uuid", "split", "group_id"), on="uuid")
    scopes = [images.with_columns(category=pl.lit(ALL))]
    scopes += [images] if distinct(images["category"]) else []
    scopes += [scope.with_columns(split=pl.lit(ALL)) for scope in scopes]
    everything = pl.concat(scopes)
    counted = everything.group_by("category", "split").agg(
        n_images=pl.len().cast(pl.Int64),
        n_groups=pl.col("group_id").n_unique().cast(pl.Int64),
        n_species=pl.col("species").drop_nulls().n_unique().cast(pl.Int64),
        n_genera=pl.col("genus").n_unique().cast(pl.Int64),
        median_images=pl.col("species").drop_nulls().unique_counts().median(),
    )
    sides = [*SPLITS, *images.filter(split=ASIDE)["split"].unique(), ALL]
    cross = everything.select("category").unique().join(pl.DataFrame({"split": sides}), how="cross")
    counts = pl.col("n_images", "n_groups", "n_species", "n_genera").fill_null(0)
    return cross.join(counted, on=["category", "split"], how="left").with_columns(counts)


def training_size(recall, labels, splits):
    """Species recall@1 beside training images: a `TrainingSize` table.

    Takes the leave-one-out recalls of one model, over all queries.
    """
    chosen = recall.filter(
        protocol="leave_one_out", level="species", metric="recall", average="label", population="all", k=1
    )
    train = labels.join(splits.filter(split="train").select("uuid"), on="uuid")
    counts = train.group_by("category", species="species").agg(n_train=pl.len().cast(pl.Int64))
    sizes = chosen.select("category", "n_queries", species="label", recall="value")
    sizes = sizes.join(counts, on=["category", "species"], how="left")
    n_train = pl.col("n_train").fill_null(0)
    return sizes.with_columns(
        n_train=n_train,
        genus=genus_of("species"),
        bucket=bucket_of(n_train),
    )


def bucket_of(n_images):
    """The bucket of a number of images, as an expression."""
    bucket = pl.lit(MORE)
    for most, name in reversed(BUCKETS):
        bucket = pl.when(n_images <= most).then(pl.lit(name)).otherwise(bucket)
    return bucket
