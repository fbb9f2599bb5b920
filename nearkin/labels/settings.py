"""What the config sets of the cleaning of names; no polars, since the driver reads it, too."""

from typing import TypedDict


class SpellingLimits(TypedDict):
    """When a name counts as misspelt: see `spelling.find_misspellings`."""

    min_count: int
    max_distance: int
