"""Images to which the delivery gives two names: one image in two rows, or two copies of one image."""

from typing import TypedDict

import polars as pl

MAX_SHOWN = 12
"""Conflicts of a kind that the page shows, by uuid or checksum."""

MAX_COPIES = 6


class ConflictingImage(TypedDict):
    """An image whose rows name different species, with the names of its rows as delivered."""

    uuid: str
    path: str | None
    labels: list[str]


class LabelledImage(TypedDict):
    """An image with its name."""

    uuid: str
    path: str | None
    label: str | None


def list_conflicting_rows(
    quarantine: pl.LazyFrame, images: pl.LazyFrame
) -> tuple[int, list[ConflictingImage]]:
    """Images whose rows name different species: how many, and those that are shown."""
    conflicting = quarantine.filter(reason="conflicting_rows").select("uuid", "path").collect()
    conflicting = conflicting.unique("uuid", keep="first", maintain_order=True)
    shown = conflicting.sort("uuid").head(MAX_SHOWN).lazy()
    rows = (
        images.select("uuid", "row_index", "raw_name")
        .join(shown, on="uuid")
        .collect()
        .sort("uuid", "row_index")
    )
    return len(conflicting), [
        {
            "uuid": uuid,
            "path": part["path"][0],
            "labels": [_format_label(name) for name in part["raw_name"]],
        }
        for (uuid,), part in rows.group_by("uuid", maintain_order=True)
    ]


def list_conflicting_copies(
    quarantine: pl.LazyFrame, images: pl.LazyFrame, *, inspection: pl.LazyFrame
) -> tuple[int, list[list[LabelledImage]]]:
    """Groups of images with the same bytes and different names: how many, and those that are shown.

    A group has at most MAX_COPIES images, with their names as delivered.
    """
    conflicting = quarantine.filter(reason="label_conflict").select("uuid", "row_index", "path")
    copies = conflicting.join(inspection.select("uuid", "sha256"), on="uuid")
    copies = copies.join(
        images.select("uuid", "row_index", "raw_name"), on=["uuid", "row_index"], how="left"
    ).collect()
    by_bytes = copies.sort("sha256", "path", "row_index").group_by("sha256", maintain_order=True)
    groups: list[list[LabelledImage]] = [
        [
            {"uuid": uuid, "path": path, "label": _format_label(name)}
            for uuid, path, name in part.select("uuid", "path", "raw_name").head(MAX_COPIES).iter_rows()
        ]
        for _, part in by_bytes
    ]
    return len(groups), groups[:MAX_SHOWN]


def list_labelled(images: pl.DataFrame) -> list[LabelledImage]:
    """The rows (uuid, path, label) of a table as dicts."""
    rows = images.select("uuid", "path", "label").iter_rows()
    return [{"uuid": uuid, "path": path, "label": label} for uuid, path, label in rows]


def _format_label(name: str | None) -> str:
    return name if name and name.strip() else "no name"
