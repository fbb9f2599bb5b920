"""Which images belong together, and on which side of the split they are."""

import dataframely as dy

from nearkin.tables.fields import SPLITS, uuid_key


class Groups(dy.Schema):
    """One row per kept image: images of one group never straddle a split."""

    uuid = uuid_key()
    path = dy.String(description="file on disk, relative to the source")
    group_id = dy.String(description="uuid of the group's first image")
    ties = dy.String(
        description="why it is in a group: bytes, near_duplicate, specimen, joined by +; empty if alone"
    )


class Splits(dy.Schema):
    """One row per kept image: its side of the split."""

    uuid = uuid_key()
    split = dy.String(check=lambda column: column.is_in(SPLITS), description="train, val, test or unseen")
    group_id = dy.String(description="as in groups")
    reason = dy.String(nullable=True, description="why not by the lot: too_few_groups; null otherwise")
