"""Columns that several tables share."""

import dataframely as dy

from nearkin.vocabulary import LEVELS, PROTOCOLS


def uuid_key() -> dy.String:
    """An image's uuid as a part of the key."""
    return dy.String(primary_key=True, description="the image")


def uuid() -> dy.String:
    """An image's uuid outside of the key."""
    return dy.String(description="the image")


def protocol_key() -> dy.String:
    """The protocol as a part of the key."""
    return dy.String(
        primary_key=True,
        check=lambda column: column.is_in(PROTOCOLS),
        description="what queries and gallery are: leave_one_out, train_gallery or unseen_species",
    )


def level_key() -> dy.String:
    """The level as a part of the key."""
    return dy.String(
        primary_key=True,
        check=lambda column: column.is_in(LEVELS),
        description="the rank at which a neighbour counts as correct",
    )
