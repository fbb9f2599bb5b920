"""The nearest neighbours of each query."""

import dataframely as dy

from nearkin.tables.columns import protocol_key


class Neighbours(dy.Schema):
    """One row per query and rank: its nearest images, the nearest first."""

    protocol = protocol_key()
    query = dy.String(primary_key=True, description="uuid of the query")
    rank = dy.Int32(primary_key=True, min=1, description="1 for the nearest")
    neighbour = dy.String(description="uuid of the image found")
    similarity = dy.Float64(description="cosine, from float64 sums of the stored float32 values")
