"""On which side of the split each image is."""

import dataframely as dy

from nearkin.tables.columns import uuid_key
from nearkin.vocabulary import EXCLUDED, SPLITS

REASONS = {
    "too_few_groups": "its species cannot be split",
    "from_previous": "as in the split before",
    "from_source": "as delivered",
    "follows_group": "with images that have a side",
    "unseen_species": "of a held-out species",
    "would_leak": "set aside, for it would tie two sides together",
}


class Splits(dy.Schema):
    """One row per kept image: its side of the split."""

    uuid = uuid_key()
    split = dy.String(
        check=lambda column: column.is_in([*SPLITS, EXCLUDED]),
        description="train, val, test or unseen_species; excluded where it would leak",
    )
    group_id = dy.String(
        description="as in groups, or the part of such a group that is on this side; searches mask by it"
    )
    reason = dy.String(
        nullable=True,
        check=lambda column: column.is_in(list(REASONS)),
        description="null by lot; " + "; ".join(f"{name}: {said}" for name, said in REASONS.items()),
    )
    evidence = dy.String(nullable=True, description="the images, groups or names that make it so")
