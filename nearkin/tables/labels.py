"""Repaired names, complete captions, and the log of what was done to them."""

import dataframely as dy

from nearkin.tables.columns import uuid_key


class Labels(dy.Schema):
    """One row per kept image, with repaired names."""

    uuid = uuid_key()
    path = dy.String(description="file on disk, relative to the source")
    category = dy.String(description="the dataset's own coarse group, cleaned; empty if it has none")
    kingdom = dy.String(nullable=True, description="from the taxonomy, or else as delivered")
    phylum = dy.String(nullable=True, description="from the taxonomy, or else as delivered")
    class_ = dy.String(alias="class", nullable=True, description="from the taxonomy, or else as delivered")
    order = dy.String(nullable=True, description="from the taxonomy, or else as delivered")
    family = dy.String(nullable=True, description="from the taxonomy, or else as delivered")
    genus = dy.String(description="first word of the accepted name")
    species = dy.String(nullable=True, description="accepted binomial, Genus epithet; null if unknown")
    infraspecies = dy.String(nullable=True, description="the trinomial, if the delivery has one")
    common_name = dy.String(nullable=True, description="common name, as delivered or from the taxonomy")
    raw_name = dy.String(nullable=True, description="the name as delivered, untouched")


class Captions(Labels):
    """The caption dataset: one row per kept image, with complete names and caption."""

    caption = dy.String(min_length=1, description="one line of text")
    caption_source = dy.String(description="delivered, sidecar, table:N, or template:N")


class Quarantine(dy.Schema):
    """One row per delivered row that was quarantined, with the reason."""

    uuid = uuid_key()
    row_index = dy.Int32(primary_key=True, min=0, description="which delivered row of this image")
    path = dy.String(description="file on disk, relative to the source, or else the listed name")
    reason = dy.String(description="one word for the defect")
    detail = dy.String(description="the evidence")


class CurationLog(dy.Schema):
    """One row per defect: what it was, what was done, and why."""

    uuid = uuid_key()
    row_index = dy.Int32(primary_key=True, min=0, description="which delivered row of this image")
    field = dy.String(primary_key=True, description="file, row, category, name, caption, sidecar or table:N")
    defect = dy.String(primary_key=True, description="one word for the defect")
    path = dy.String(description="file on disk, or else the listed name")
    before = dy.String(nullable=True, description="as delivered")
    after = dy.String(nullable=True, description="after the repair; null if quarantined")
    action = dy.String(
        check=lambda column: column.is_in(["repaired", "filled", "merged", "quarantined", "noted"]),
        description="what was done",
    )
    reason = dy.String(description="why")
