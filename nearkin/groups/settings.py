"""What the config sets of groups; no polars, since the driver reads it, too."""

from typing import TypedDict


class NearDuplicateLimits(TypedDict):
    """When two images are near duplicates: see `near_duplicates`; `min_cosine` is for the `model`."""

    max_hamming: int
    min_similarity: float
    detect_transformed: bool
    model: str | None
    min_cosine: float


class OversizedLimits(TypedDict):
    """See `review.find_oversized_groups`."""

    max_share: float
    min_images: int
