"""Unit vectors of images and of their captions."""

import dataframely as dy

from nearkin.tables.columns import uuid_key


def make_embeddings_schema(width: int) -> type[dy.Schema]:
    """The declaration of embeddings of `width` numbers."""

    class Embeddings(dy.Schema):
        """One row per readable image: its unit vector.

        The metadata also hold `precision` and `decode`, which the fingerprint covers if they are
        not fp32 and exact, and a `digest` of all values, which detects damage.
        """

        uuid = uuid_key()
        sha256 = dy.String(description="of the file that was embedded")
        emb = dy.Array(
            dy.Float32(description="one coordinate"), shape=width, description="vector of unit length"
        )

    return Embeddings


def make_caption_embeddings_schema(width: int) -> type[dy.Schema]:
    """The declaration of captions' embeddings of `width` numbers."""

    class CaptionEmbeddings(dy.Schema):
        """One row per kept image: the unit vector of its caption. The fingerprint is the text encoder's."""

        uuid = uuid_key()
        emb = dy.Array(
            dy.Float32(description="one coordinate"), shape=width, description="vector of unit length"
        )

    return CaptionEmbeddings
