"""Groups of near duplicates, the least similar first."""

from typing import NotRequired, TypedDict

import numpy as np
import polars as pl

from nearkin.audit.conflicts import LabelledImage, list_labelled
from nearkin.groups.alignment import aligned_similarity
from nearkin.images.dhash import CROPS, to_array, transform_view

MAX_COMPARED_GROUPS = 1000
"""Groups whose images are compared with each other, by the group's id, which is as good as random."""

MAX_COMPARED_IMAGES = 6
"""Images of a group that are compared."""

MAX_SHOWN_GROUPS = 24
MAX_SHOWN_COPIES = 8
MAX_IMAGES = 6


class SimilarGroup(TypedDict):
    """A group of similar images, with some of them."""

    n_images: int  # linked by similarity
    n_others: int  # linked by specimen alone
    link_types: list[str]
    similarity: NotRequired[float | None]  # `min_similarity`, of near duplicates
    members: list[LabelledImage]


class SimilarGroups(TypedDict):
    """How many groups of similar images there are, and those that are shown.

    `copies` have the same bytes, `near` have not.
    """

    n_near: int
    n_compared: int
    n_copies: int
    near: list[SimilarGroup]
    copies: list[SimilarGroup]


def list_groups(groups: pl.LazyFrame, labels: pl.LazyFrame, *, inspection: pl.LazyFrame) -> SimilarGroups:
    """Groups of near duplicates, the least similar first, and of copies, the largest first."""
    linked = groups.filter(~pl.col("link_types").is_in(["", "specimen"]))
    hashed = linked.join(inspection.select("uuid", "sha256"), on="uuid").group_by("group_id")
    sizes = hashed.agg(
        n_images=pl.len(), distinct=pl.col("sha256").n_unique(), link_types=_link_types_expr()
    ).collect()
    near, copies = sizes.filter(pl.col("distinct") > 1), sizes.filter(pl.col("distinct") == 1)
    compared = near.sort("group_id").head(MAX_COMPARED_GROUPS)
    members = linked.join(compared.lazy().select("group_id"), on="group_id", how="semi")
    members = members.join(inspection.select("uuid", "thumbnail"), on="uuid").collect()
    compared = compared.join(min_similarity(members), on="group_id", how="left")
    shown_near = compared.sort("similarity", "group_id", nulls_last=True).head(MAX_SHOWN_GROUPS)
    shown_copies = copies.sort("n_images", "group_id", descending=[True, False]).head(MAX_SHOWN_COPIES)
    return {
        "n_near": len(near),
        "n_compared": len(compared),
        "n_copies": len(copies),
        "near": _describe_shown(shown_near, groups, labels),
        "copies": _describe_shown(shown_copies, groups, labels),
    }


def min_similarity(members: pl.DataFrame) -> pl.DataFrame:
    """The similarity of each group's most isolated image to its most similar member: (group_id, similarity).

    `members` has group_id, uuid and thumbnail; of large groups the first MAX_COMPARED_IMAGES count.
    1 is the same picture, even if one is cropped, mirrored or rotated.
    """
    members = (
        members.sort("group_id", "uuid").group_by("group_id", maintain_order=True).head(MAX_COMPARED_IMAGES)
    )
    thumbnails = to_array(members["thumbnail"])
    rows = members.select("group_id").with_row_index("one")
    pairs = rows.join(rows.rename({"one": "other"}), on="group_id").filter(pl.col("one") != pl.col("other"))
    one, other = thumbnails[pairs["one"].to_numpy()], thumbnails[pairs["other"].to_numpy()]
    similarities = [aligned_similarity(transform_view(one, view), other, view) for view in CROPS]
    pairs = pairs.with_columns(similarity=np.max(similarities, axis=0).astype(np.float64).round(3))
    backwards = pairs.select("group_id", "similarity", one="other")
    nearest = pl.concat([pairs.select(backwards.columns), backwards]).group_by("group_id", "one")
    return nearest.agg(pl.col("similarity").max()).group_by("group_id").agg(pl.col("similarity").min())


def _link_types_expr() -> pl.Expr:
    """The types of a group's links, as a sorted list."""
    return pl.col("link_types").str.split("+").explode().unique().sort()


def _describe_shown(chosen: pl.DataFrame, groups: pl.LazyFrame, labels: pl.LazyFrame) -> list[SimilarGroup]:
    """The chosen rows (group_id, n_images, link_types, similarity) with their images."""
    images = groups.join(chosen.lazy().select("group_id"), on="group_id", how="semi")
    names = labels.select("uuid", label=pl.coalesce("species", "genus"))
    images = images.join(names, on="uuid").collect().sort("uuid")
    linked = images.filter(~pl.col("link_types").is_in(["", "specimen"]))
    shown = []
    for row in chosen.drop("distinct").iter_rows(named=True):
        members = linked.filter(group_id=row["group_id"])
        n_others = len(images.filter(group_id=row["group_id"])) - len(members)
        shown.append({**row, "n_others": n_others, "members": list_labelled(members.head(MAX_IMAGES))})
    return shown
