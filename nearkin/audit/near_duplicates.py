"""Groups that were tied because their images look alike, those that look least alike first."""

import numpy as np
import polars as pl

from nearkin.groups.alignment import aligned_similarity
from nearkin.images.dhash import CROPS, to_array, transform_view

MAX_COMPARED_GROUPS = 1000
"""Groups whose images are compared with each other, by the group's id, which is as good as by lot."""

MAX_COMPARED_IMAGES = 6
"""Images of a group that are."""

MAX_SHOWN_GROUPS = 24
MAX_SHOWN_COPIES = 8
MAX_IMAGES = 6


def list_groups(groups, labels, *, inspection):
    """Groups tied by looks: how many (n_near, n_compared, n_copies), and near and copies, which are shown.

    `copies` have the same bytes, `near` have not. A group is a dict of n_images (tied by looks),
    n_others (tied by specimen alone), ties, likeness (of `min_similarity`) and members.
    """
    tied = groups.filter(~pl.col("link_types").is_in(["", "specimen"]))
    found = tied.join(inspection.select("uuid", "sha256"), on="uuid").group_by("group_id")
    sizes = found.agg(
        n_images=pl.len(), distinct=pl.col("sha256").n_unique(), link_types=_link_types_expr()
    ).collect()
    near, copies = sizes.filter(pl.col("distinct") > 1), sizes.filter(pl.col("distinct") == 1)
    compared = near.sort("group_id").head(MAX_COMPARED_GROUPS)
    members = tied.join(compared.lazy().select("group_id"), on="group_id", how="semi")
    members = members.join(inspection.select("uuid", "thumbnail"), on="uuid").collect()
    compared = compared.join(min_similarity(members), on="group_id", how="left")
    first = compared.sort("likeness", "group_id", nulls_last=True).head(MAX_SHOWN_GROUPS)
    same = copies.sort("n_images", "group_id", descending=[True, False]).head(MAX_SHOWN_COPIES)
    return {
        "n_near": len(near),
        "n_compared": len(compared),
        "n_copies": len(copies),
        "near": _describe_shown(first, groups, labels),
        "copies": _describe_shown(same, groups, labels),
    }


def min_similarity(members):
    """How alike the image that fits in least is to the mate that it is most like: (group_id, likeness).

    `members` has group_id, uuid and thumbnail; of large groups the first MOST_IN_A_GROUP count.
    1 is the same picture, also where one is cropped, mirrored or turned.
    """
    members = (
        members.sort("group_id", "uuid").group_by("group_id", maintain_order=True).head(MAX_COMPARED_IMAGES)
    )
    small = to_array(members["thumbnail"])
    rows = members.select("group_id").with_row_index("one")
    pairs = rows.join(rows.rename({"one": "other"}), on="group_id").filter(pl.col("one") != pl.col("other"))
    one, other = small[pairs["one"].to_numpy()], small[pairs["other"].to_numpy()]
    alike = [aligned_similarity(transform_view(one, view), other, view) for view in CROPS]
    pairs = pairs.with_columns(likeness=np.max(alike, axis=0).astype(np.float64).round(3))
    backwards = pairs.select("group_id", "likeness", one="other")
    nearest = pl.concat([pairs.select(backwards.columns), backwards]).group_by("group_id", "one")
    return nearest.agg(pl.col("likeness").max()).group_by("group_id").agg(pl.col("likeness").min())


def _link_types_expr():
    """What ties a group's images together, as a list of words."""
    return pl.col("link_types").str.split("+").explode().unique().sort()


def _describe_shown(chosen, groups, labels):
    every = groups.join(chosen.lazy().select("group_id"), on="group_id", how="semi")
    names = labels.select("uuid", label=pl.coalesce("species", "genus"))
    every = every.join(names, on="uuid").collect().sort("uuid")
    looks = every.filter(~pl.col("link_types").is_in(["", "specimen"]))
    shown = []
    for row in chosen.iter_rows(named=True):
        members = looks.filter(group_id=row["group_id"])
        n_others = len(every.filter(group_id=row["group_id"])) - len(members)
        members = members.head(MAX_IMAGES).select("uuid", "path", "label").to_dicts()
        shown.append(row | {"n_others": n_others, "members": members})
    return shown
