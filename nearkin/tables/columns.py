"""Columns that several tables share."""

import dataframely as dy

from nearkin.vocabulary import LEVELS, PROTOCOLS


def uuid_key():
    return dy.String(primary_key=True, description="the image")


def uuid():
    return dy.String(description="the image")


def protocol_key():
    return dy.String(
        primary_key=True,
        check=lambda column: column.is_in(PROTOCOLS),
        description="who queries whom: leave_one_out, train_gallery or unseen_species",
    )


def level_key():
    return dy.String(
        primary_key=True,
        check=lambda column: column.is_in(LEVELS),
        description="the rank at which a neighbour counts as right",
    )
