"""The split of each image."""

import dataframely as dy

from nearkin.tables.columns import uuid_key
from nearkin.vocabulary import EXCLUDED, SPLITS

REASONS = {
    "too_few_groups": "its species cannot be split",
    "from_previous": "as in the previous split",
    "from_source": "as delivered",
    "follows_group": "in the split of its group",
    "unseen_species": "of a held-out species",
    "would_leak": "excluded, because it would link two splits",
}


class Splits(dy.Schema):
    """One row per kept image: its split."""

    uuid = uuid_key()
    split = dy.String(
        check=lambda column: column.is_in([*SPLITS, EXCLUDED]),
        description="train, val, test or unseen_species; excluded where it would leak",
    )
    group_id = dy.String(
        description="as in groups, or the part of such a group in this split; searches can exclude by it"
    )
    reason = dy.String(
        nullable=True,
        check=lambda column: column.is_in(list(REASONS)),
        description="null if random; " + "; ".join(f"{name}: {text}" for name, text in REASONS.items()),
    )
    evidence = dy.String(nullable=True, description="the images, groups or names behind the reason")
