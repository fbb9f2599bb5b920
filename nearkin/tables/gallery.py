"""What people look at: queries with their nearest neighbours, and thumbnails."""

import dataframely as dy

from nearkin.tables.columns import protocol_key, uuid_key

SHEETS = ["best", "worst", "most_improved", "most_worsened", "confusions"]
"""The contact sheets of a comparison."""


class ExampleNeighbours(dy.Schema):
    """One row per neighbour shown: the nearest few of the queries that represent their species."""

    protocol = protocol_key()
    query = dy.String(primary_key=True, description="uuid of the query")
    rank = dy.Int32(primary_key=True, min=1, description="1 for the nearest")
    category = dy.String(description="the query's category")
    species = dy.String(description="the query's species")
    neighbour = dy.String(description="uuid of the image found")
    similarity = dy.Float64(description="cosine")
    correct = dy.Bool(description="whether it is of the query's species")


class ContactSheetEntries(dy.Schema):
    """One row per neighbour on a contact sheet: a query as both models see it, leave one out."""

    sheet = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(SHEETS),
        description="best or worst by the trained model, most_improved, most_worsened, or confusions",
    )
    position = dy.Int32(primary_key=True, min=1, description="of the species, or pair of them, on the sheet")
    query = dy.String(primary_key=True, description="uuid of the query")
    model = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["base", "trained"]),
        description="base or trained",
    )
    rank = dy.Int32(primary_key=True, min=1, description="1 for the nearest")
    category = dy.String(description="the query's category")
    species = dy.String(description="the query's species")
    predicted = dy.String(nullable=True, description="the other species of a confusion")
    n = dy.Int64(min=1, description="queries of the species; for a confusion, the confused ones")
    base = dy.Float64(nullable=True, description="species recall@1 of the base; null for a confusion")
    trained = dy.Float64(
        nullable=True, description="species recall@1 of the trained model; null for a confusion"
    )
    neighbour = dy.String(description="uuid of the image found")
    neighbour_label = dy.String(description="its species, or its genus where that is unknown")
    similarity = dy.Float64(description="cosine")
    correct = dy.Bool(description="whether it is of the query's species")


class Thumbnails(dy.Schema):
    """One row per image that is shown anywhere: its thumbnail, without any metadata."""

    uuid = uuid_key()
    sha256 = dy.String(description="of the image file's bytes, hexadecimal")
    jpeg = dy.Binary(description="the picture, as a JPEG")
    width = dy.Int32(min=1, description="pixels")
    height = dy.Int32(min=1, description="pixels")
