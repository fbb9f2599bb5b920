"""The uuid of an image, and the shard that it belongs to."""

import unicodedata
import uuid

import polars as pl

# Chosen once. A new value would rename every image of every study.
NAMESPACE = uuid.UUID("6f1d3c5e-93a8-5b07-8a44-2f0d4c1b7e90")


def image_uuid(source_id: str, path: str) -> str:
    """The UUIDv5 of an image: the same for a source and a path, on every machine.

    `path` is relative to the source, with forward slashes; composed and decomposed
    spellings of one name are the same image.

    >>> image_uuid("museum", "datasets/Fish/chunk_0/a.jpg")
    '78aac980-31bd-5601-9971-f271393d9d5f'
    """
    name = unicodedata.normalize("NFC", f"{source_id}/{path}")
    return str(uuid.uuid5(NAMESPACE, name))


def is_in_shard(shard: int, n_shards: int) -> pl.Expr:
    """An expression: whether the `uuid` of a row belongs to this shard, 0 to `n_shards - 1`.

    >>> image = pl.DataFrame({"uuid": ["78aac980-31bd-5601-9971-f271393d9d5f"]})
    >>> [image.select(is_in_shard(shard, n_shards=4)).item() for shard in range(4)]
    [False, False, False, True]
    """
    return pl.col("uuid").str.slice(-8).str.to_integer(base=16) % n_shards == shard
