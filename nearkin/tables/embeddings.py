"""Unit vectors of images."""

import dataframely as dy

from nearkin.tables.fields import uuid_key


def embeddings(width):
    """The declaration of embeddings of `width` numbers."""

    class Embeddings(dy.Schema):
        """One row per readable image: its unit vector."""

        uuid = uuid_key()
        sha256 = dy.String(description="of the file that was embedded")
        emb = dy.Array(
            dy.Float32(description="one coordinate"), shape=width, description="vector of unit length"
        )

    return Embeddings
