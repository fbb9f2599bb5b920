"""How sure a number is: resampling groups, and Wilson's interval for one proportion."""

import numpy as np

LEVEL = 0.95
MIN_GROUPS = 5
"""Groups; a spread that hangs on fewer is not seen by drawing groups anew."""
CHUNK_WEIGHTS = 2**22  # weights in memory


def bootstrap_weights(strata, *, resamples, seed, at_once=CHUNK_WEIGHTS):
    """Yields (n, n_rows) weights of rows that were drawn anew, `resamples` in all.

    `strata` (n_rows,) are sorted codes 0, 1, ... Of a stratum of n rows, n - 1 are drawn with
    replacement, each weighing n / (n - 1): the rescaling bootstrap of Rao and Wu (1988). Drawing
    all n would give (n - 1) / n of the variance, half of it where a species has two groups. The
    only row of a stratum always weighs 1.
    """
    sizes = np.bincount(strata)
    starts = np.cumsum(sizes) - sizes
    n_drawn = np.maximum(sizes - 1, 1)
    start, size = np.repeat(starts, n_drawn), np.repeat(sizes, n_drawn)  # of the stratum of each draw
    weight = (sizes / n_drawn)[strata]
    n_rows = len(strata)
    generator = np.random.default_rng(seed)
    step = max(1, at_once // n_rows)
    for done in range(0, resamples, step):
        n = min(step, resamples - done)
        rows = start + (generator.random((n, len(start))) * size).astype(np.int64)
        rows += n_rows * np.arange(n)[:, None]
        yield np.bincount(rows.ravel(), minlength=n * n_rows).reshape(n, n_rows) * weight


def percentile_interval(samples):
    """The middle 95 % of `samples` (n_resamples, ...) along the first axis: low, high.

    NaN are left out, for example resamples in which a rare label was not drawn.
    """
    ordered = np.sort(samples, axis=0)  # NaN come last
    last = np.maximum(np.count_nonzero(~np.isnan(ordered), axis=0) - 1, 0)
    tail = (1 - LEVEL) / 2
    return np.stack([_at(ordered, share * last) for share in (tail, 1 - tail)])


def _at(ordered, place):
    """The values at places between two rows, linearly between theirs."""
    below = np.floor(place).astype(int)
    above = np.ceil(place).astype(int)
    low, high = (np.take_along_axis(ordered, row[None], axis=0)[0] for row in (below, above))
    return low + (place - below) * (high - low)


def wilson(share, n):
    """Wilson's 95 % interval (1927) of proportions `share` among `n` trials: low, high.

    >>> [round(float(end), 3) for end in wilson(np.array([0.5]), np.array([10]))[:, 0]]
    [0.237, 0.763]
    """
    z = 1.959963984540054
    centre = share + z**2 / (2 * n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = np.stack([centre - half, centre + half]) / (1 + z**2 / n)
    return np.stack([np.clip(low, 0, share), np.clip(high, share, 1)])  # rounding may pass them by


def wilson_if_sparse(value, ends, n_groups):
    """The `ends` of bootstrap intervals of numbers from 0 to 1; Wilson's where too little spread is seen.

    That is where all groups agree, or where not even FEW groups' worth keep the value from 0 or 1: if
    they are the only ones of their species, they never vary.
    """
    short = (np.minimum(value, 1 - value) * n_groups < MIN_GROUPS) | (ends[0] == ends[1])
    return np.where(short & (np.asarray(n_groups) > 0), wilson(value, np.maximum(n_groups, 1)), ends)


def newcombe_margins(n_improved, n_worsened, n_groups):
    """How far the 95 % interval of a difference reaches down and up: the share of groups that rose less
    that of those that fell, by the method of variance estimates recovery (Newcombe 1998, method 10).

    >>> down, up = newcombe_margins(np.array([0]), np.array([0]), np.array([20]))
    >>> round(float(down[0]), 3), round(float(up[0]), 3)
    (0.161, 0.161)
    """
    rose, fell = n_improved / n_groups, n_worsened / n_groups
    (low, high), (fell_low, fell_high) = wilson(rose, n_groups), wilson(fell, n_groups)
    return np.hypot(rose - low, fell_high - fell), np.hypot(high - rose, fell - fell_low)
