"""Images that the delivery calls by two names: one image in two rows, or two copies of one image."""

MAX_SHOWN = 12
"""Conflicts of a kind that the page shows, by uuid or checksum."""

MAX_COPIES = 6


def list_conflicting_rows(quarantine, images):
    """Images whose rows name different species: (n, those that are shown).

    Each is a dict of uuid, path and the labels of its rows, as delivered.
    """
    found = quarantine.filter(reason="conflicting_rows").select("uuid", "path").collect()
    found = found.unique("uuid", keep="first", maintain_order=True)
    shown = found.sort("uuid").head(MAX_SHOWN)
    said = (
        images.select("uuid", "row", "raw_name").join(shown.lazy(), on="uuid").collect().sort("uuid", "row")
    )
    return len(found), [
        {
            "uuid": uuid,
            "path": part["path"][0],
            "labels": [_format_label(name) for name in part["raw_name"]],
        }
        for (uuid,), part in said.group_by("uuid", maintain_order=True)
    ]


def list_conflicting_copies(quarantine, images, *, inspection):
    """Groups of images with the same bytes and different names: (n, those that are shown).

    Each is a list of dicts of uuid, path and label as delivered, at most MOST_COPIES.
    """
    aside = quarantine.filter(reason="label_conflict").select("uuid", "row", "path")
    found = aside.join(inspection.select("uuid", "sha256"), on="uuid")
    found = found.join(images.select("uuid", "row", "raw_name"), on=["uuid", "row"], how="left").collect()
    groups = found.sort("sha256", "path", "row").group_by("sha256", maintain_order=True)
    shown = [
        [
            {"uuid": uuid, "path": path, "label": _format_label(label)}
            for uuid, path, label in part.select("uuid", "path", "raw_name").head(MAX_COPIES).iter_rows()
        ]
        for _, part in groups
    ]
    return len(shown), shown[:MAX_SHOWN]


def _format_label(name):
    return name if name and name.strip() else "no name"
