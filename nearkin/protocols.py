"""Who queries whom."""

SIDES = {"leave_one_out": ("test", "test"), "search": ("test", "train"), "unseen": ("unseen", "unseen")}
"""The splits of the queries and of the gallery."""


def queries_and_gallery(splits, protocol):
    """The rows of `splits` that query, and those that can be found, both by uuid."""
    asking, asked = SIDES[protocol]
    splits = splits.sort("uuid")
    return splits.filter(split=asking), splits.filter(split=asked)
