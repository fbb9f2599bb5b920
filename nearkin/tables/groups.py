"""Which images belong together, and which groups a person should review."""

import dataframely as dy

from nearkin.tables.columns import uuid_key

LINK_TYPES = ("bytes", "near_duplicate", "embedding", "specimen")
"""What links images to a group."""

EXACT_LINKS = ("bytes", "specimen")
"""Links that are facts; the others are estimates from appearance."""


class Groups(dy.Schema):
    """One row per kept image: a group never spans several splits."""

    uuid = uuid_key()
    path = dy.String(description="file on disk, relative to the source")
    group_id = dy.String(description="uuid of the group's first image")
    link_types = dy.String(
        description=f"why it is in a group: {', '.join(LINK_TYPES)}, joined by +; empty if alone",
    )


class GroupsToReview(dy.Schema):
    """One row per group that a person should review, and why."""

    group_id = dy.String(primary_key=True, description="uuid of the group's first image")
    reason = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["mixed_species", "oversized"]),
        description="mixed_species: of several species, but kept; oversized: a chain of images, undone",
    )
    n_images = dy.Int64(min=2, description="its images; of an oversized group, before it was undone")
    n_species = dy.Int64(min=0, description="species among them")
    species = dy.List(dy.String(), description="the most frequent of them, at most ten")
    uuids = dy.List(dy.String(), description="its images, at most twenty")
