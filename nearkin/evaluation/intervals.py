"""How certain a number is: percentiles of resamples, Wilson's interval, Newcombe's of a difference."""

import numpy as np

CONFIDENCE = 0.95
MIN_GROUPS = 5
"""Groups; resampling does not show a spread that depends on fewer."""


def percentile_interval(samples: np.ndarray) -> np.ndarray:
    """The middle 95 % of `samples` (n_resamples, ...) along the first axis: low, high.

    NaN are left out, for example resamples in which a rare label was not drawn.
    """
    ordered = np.sort(samples, axis=0)  # NaN come last
    last = np.maximum(np.count_nonzero(~np.isnan(ordered), axis=0) - 1, 0)
    tail = (1 - CONFIDENCE) / 2
    return np.stack([_interpolate_rows(ordered, share * last) for share in (tail, 1 - tail)])


def _interpolate_rows(ordered: np.ndarray, position: np.ndarray) -> np.ndarray:
    """The values at positions between two rows, by linear interpolation."""
    below = np.floor(position).astype(int)
    above = np.ceil(position).astype(int)
    low, high = (np.take_along_axis(ordered, row[None], axis=0)[0] for row in (below, above))
    return low + (position - below) * (high - low)


def wilson(share: np.ndarray | float, n: np.ndarray | int) -> np.ndarray:
    """Wilson's 95 % interval (1927) of proportions `share` among `n` trials: low, high.

    >>> [round(float(end), 3) for end in wilson(np.array([0.5]), np.array([10]))[:, 0]]
    [0.237, 0.763]
    """
    z = 1.959963984540054
    centre = share + z**2 / (2 * n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = np.stack([centre - half, centre + half]) / (1 + z**2 / n)
    return np.stack([np.clip(low, 0, share), np.clip(high, share, 1)])  # rounding may overshoot


def wilson_if_sparse(value: np.ndarray | float, ends: np.ndarray, n_groups: np.ndarray | int) -> np.ndarray:
    """The `ends` of bootstrap intervals of numbers from 0 to 1, or Wilson's if they show too little spread.

    That is where all groups agree, or where fewer than MIN_GROUPS groups' worth keep the value from 0
    or 1: if they are the only ones of their species, they never vary.
    """
    is_sparse = (np.minimum(value, 1 - value) * n_groups < MIN_GROUPS) | (ends[0] == ends[1])
    return np.where(is_sparse & (np.asarray(n_groups) > 0), wilson(value, np.maximum(n_groups, 1)), ends)


def newcombe_margins(
    n_improved: np.ndarray, n_worsened: np.ndarray, n_groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far the 95 % interval of a difference reaches down and up.

    The difference is the share of groups that improved less the share that worsened. The method is that
    of variance estimates recovery (Newcombe 1998, method 10).

    >>> down, up = newcombe_margins(np.array([0]), np.array([0]), np.array([20]))
    >>> round(float(down[0]), 3), round(float(up[0]), 3)
    (0.161, 0.161)
    """
    improved, worsened = n_improved / n_groups, n_worsened / n_groups
    low, high = wilson(improved, n_groups)
    worsened_low, worsened_high = wilson(worsened, n_groups)
    return np.hypot(improved - low, worsened_high - worsened), np.hypot(
        high - improved, worsened - worsened_low
    )
