"""Which images are the queries and the gallery of a protocol."""

import polars as pl

from nearkin.vocabulary import PROTOCOL_SPLITS


def select_queries_and_gallery(splits: pl.DataFrame, protocol: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of `splits` that are queries, and those that can be found, both sorted by uuid."""
    query_split, gallery_split = PROTOCOL_SPLITS[protocol]
    splits = splits.sort("uuid")
    return splits.filter(split=query_split), splits.filter(split=gallery_split)
