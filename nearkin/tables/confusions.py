"""Who is taken for whom."""

import dataframely as dy


class Confusions(dy.Schema):
    """One row per label and label of the nearest image, leave one out; the right ones too.

    A nearest image without a label at the level has no row of its own, and stands only in
    `n_queries`.
    """

    level = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["genus", "species"]),
        description="genus or species",
    )
    category = dy.String(primary_key=True, description="the queries' category")
    label = dy.String(primary_key=True, description="the queries' label at this level")
    predicted_category = dy.String(primary_key=True, description="the category of their nearest image")
    predicted = dy.String(primary_key=True, description="the label of their nearest image at this level")
    n = dy.Int64(min=1, description="queries with this label and such a nearest image")
    n_queries = dy.Int64(min=1, description="all queries with this label that have a nearest image")
