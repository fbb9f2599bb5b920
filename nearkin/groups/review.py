"""Groups that a person should review: several species in one, or near duplicates in endless chains."""

import logging

import polars as pl

from nearkin.tables.groups import GroupsToReview

logger = logging.getLogger(__name__)

MAX_SPECIES = 10
MAX_UUIDS = 20
MAX_LOGGED = 20
"""How many species and uuids of a group are listed, and how many groups the log names."""


def find_oversized_groups(images: pl.DataFrame, *, max_share: float, min_images: int) -> pl.Series:
    """The ids of oversized groups: `min_images` or more, and more than `max_share` of their species.

    A group of several species, or with an image without one, is measured by its categories instead. A group
    that bytes and specimens alone make that large does not count. `images` has category, species, group_id,
    and `exact_component`, the component that bytes and specimens alone put it in.
    """
    members = _select_large_groups(images, min_images)
    sizes = members.group_by("group_id").agg(
        n=pl.len(),
        species=pl.col("species").drop_nulls().unique(),
        unnamed=pl.col("species").null_count(),
        categories=pl.col("category").unique(),
        largest=pl.col("exact_component").unique_counts().max(),
    )
    has_one_species = (pl.col("species").list.len() == 1) & (pl.col("unnamed") == 0)
    by_species = sizes.filter(has_one_species).select("group_id", "species").explode("species")
    by_category = sizes.filter(~has_one_species).select("group_id", category="categories").explode("category")
    whole = pl.concat([_count_images(images, groups) for groups in (by_species, by_category)])
    limit = max_share * pl.col("whole")
    sizes = sizes.join(whole, on="group_id")
    return sizes.filter(pl.col("n") > limit, pl.col("largest") <= limit)["group_id"].sort()


def _select_large_groups(images: pl.DataFrame, n: int) -> pl.DataFrame:
    """The images of groups of `n` or more."""
    large = images.group_by("group_id").len().filter(pl.col("len") >= n)
    return images.join(large, on="group_id", how="semi")


def _count_images(images: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """How many images in all have the species or categories listed for each group: (group_id, whole)."""
    column = groups.columns[1]
    counts = images.group_by(column).len("whole")
    return groups.join(counts, on=column).group_by("group_id").agg(pl.col("whole").sum().cast(pl.Int64))


def find_mixed_species_groups(images: pl.DataFrame) -> pl.Series:
    """The ids of groups with more than one species."""
    groups = _select_large_groups(images, 2).group_by("group_id")
    n_species = groups.agg(n=pl.col("species").drop_nulls().n_unique())
    return n_species.filter(pl.col("n") > 1)["group_id"].sort()


def describe_groups(images: pl.DataFrame, ids: pl.Series, reason: str) -> pl.DataFrame:
    """The GroupsToReview rows of the groups `ids`; the log names the first few."""
    members = images.filter(pl.col("group_id").is_in(ids.implode()))
    counted = members.drop_nulls("species").group_by("group_id", "species").len("n")
    counted = counted.sort("group_id", "n", "species", descending=[False, True, False])
    species = counted.group_by("group_id").agg(
        n_species=pl.len().cast(pl.Int64), species=pl.col("species").head(MAX_SPECIES)
    )
    groups = members.group_by("group_id").agg(
        n_images=pl.len().cast(pl.Int64),
        uuids=pl.col("uuid").sort().head(MAX_UUIDS),
        path=pl.col("path").min(),
    )
    groups = groups.join(species, on="group_id", how="left").with_columns(
        pl.col("n_species").fill_null(0), pl.col("species").fill_null([]), reason=pl.lit(reason)
    )
    groups = groups.sort("group_id")
    if len(groups):
        logger.warning("%d groups: %s", len(groups), reason)
    for row in groups.head(MAX_LOGGED).iter_rows(named=True):
        names = ", ".join(row["species"][:5])
        logger.warning("%s: %d images (%s), such as %s", reason, row["n_images"], names, row["path"])
    return groups.select(GroupsToReview.column_names())
