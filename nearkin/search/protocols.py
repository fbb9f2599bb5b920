"""Who queries whom."""

from nearkin.vocabulary import PROTOCOL_SPLITS


def queries_and_gallery(splits, protocol):
    """The rows of `splits` that query, and those that can be found, both by uuid."""
    asking, asked = PROTOCOL_SPLITS[protocol]
    splits = splits.sort("uuid")
    return splits.filter(split=asking), splits.filter(split=asked)
