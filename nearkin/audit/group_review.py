"""Groups that somebody should look at: labels that disagree, and near duplicates that ran away."""

import polars as pl

MAX_SHOWN_GROUPS = 8
"""Groups of a doubt that the page shows."""

MAX_IMAGES = 8
"""Images of a group, of each species in turn."""


def list_groups(groups_to_review, labels, *, reason):
    """Groups in doubt, those of the most species and images first: (n, those that are shown).

    Each is a dict of n_images, n_species and members: dicts of uuid, path and label.
    """
    found = groups_to_review.filter(reason=reason).collect()
    found = found.sort("n_species", "n_images", "group_id", descending=[True, True, False])
    shown = found.head(MAX_SHOWN_GROUPS).select("group_id", "n_images", "n_species", uuid="uuids")
    names = labels.select("uuid", "path", label=pl.coalesce("species", "genus"))
    members = shown.explode("uuid").lazy().join(names, on="uuid").collect().sort("group_id", "label", "uuid")
    turn = pl.int_range(pl.len()).over("group_id", "label")
    members = members.with_columns(turn=turn).sort("group_id", "turn", "label", "uuid")
    by_group = members.group_by("group_id", maintain_order=True).head(MAX_IMAGES)
    return len(found), [
        {
            "n_images": n_images,
            "n_species": n_species,
            "members": by_group.filter(group_id=group_id).select("uuid", "path", "label").to_dicts(),
        }
        for group_id, n_images, n_species in shown.select("group_id", "n_images", "n_species").iter_rows()
    ]
