"""What the config sets of the split; no polars, since the driver reads it, too."""

from typing import TypedDict


class SplitSettings(TypedDict):
    """How groups are assigned: see `split.split_images`."""

    seed: int
    train: float
    val: float
    test: float
    held_out_species: float
    held_out_stratify: str
    folds: int | None
    fold: int
    min_test_groups: int
