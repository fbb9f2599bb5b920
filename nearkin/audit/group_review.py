"""Groups that a person should review: several species, or too many near duplicates."""

from typing import TypedDict

import polars as pl

from nearkin.audit.conflicts import LabelledImage, list_labelled

MAX_SHOWN_GROUPS = 8
"""Groups of a reason that the page shows."""

MAX_IMAGES = 8
"""Images of a group, of each species in turn."""


class ReviewGroup(TypedDict):
    """A group to review, with some of its images."""

    n_images: int
    n_species: int
    members: list[LabelledImage]


def list_groups(
    groups_to_review: pl.LazyFrame, labels: pl.LazyFrame, *, reason: str
) -> tuple[int, list[ReviewGroup]]:
    """Groups to review, those of the most species and images first: how many, and those that are shown."""
    groups = groups_to_review.filter(reason=reason).collect()
    groups = groups.sort("n_species", "n_images", "group_id", descending=[True, True, False])
    shown = groups.head(MAX_SHOWN_GROUPS).select("group_id", "n_images", "n_species", uuid="uuids")
    names = labels.select("uuid", "path", label=pl.coalesce("species", "genus"))
    members = shown.explode("uuid").lazy().join(names, on="uuid").collect().sort("group_id", "label", "uuid")
    turn = pl.int_range(pl.len()).over("group_id", "label")
    members = members.with_columns(turn=turn).sort("group_id", "turn", "label", "uuid")
    by_group = members.group_by("group_id", maintain_order=True).head(MAX_IMAGES)
    return len(groups), [
        {
            "n_images": n_images,
            "n_species": n_species,
            "members": list_labelled(by_group.filter(group_id=group_id)),
        }
        for group_id, n_images, n_species in shown.select("group_id", "n_images", "n_species").iter_rows()
    ]
