"""Which labels are confused with which."""

import dataframely as dy

from nearkin.tables.columns import protocol_key


class Confusions(dy.Schema):
    """One row per label and label of the nearest image; correct ones included."""

    protocol = protocol_key()
    level = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["genus", "species"]),
        description="genus or species",
    )
    category = dy.String(primary_key=True, description="the queries' category")
    label = dy.String(primary_key=True, description="the queries' label at this level")
    predicted_category = dy.String(primary_key=True, description="the category of their nearest image")
    predicted = dy.String(
        primary_key=True,
        description="the label of their nearest image at this level; its genus where the species is unknown",
    )
    n = dy.Int64(min=1, description="queries with this label and a nearest image of that label")
    n_queries = dy.Int64(min=1, description="all queries with this label that have a nearest image")
