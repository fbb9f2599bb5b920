"""How sure a number is: resampling groups, and Wilson's interval for one proportion."""

import numpy as np

LEVEL = 0.95
AT_ONCE = 2**22  # weights in memory


def resampled_weights(strata, *, resamples, seed, at_once=AT_ONCE):
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
    ends = np.stack([centre - half, centre + half]) / (1 + z**2 / n)
    return np.clip(ends, 0, 1)


def widened(value, ends, n_groups):
    """The `ends` of bootstrap intervals; Wilson's where drawing anew found no spread."""
    flat = (ends[0] == ends[1]) & (np.asarray(n_groups) > 0)
    return np.where(flat, wilson(value, np.maximum(n_groups, 1)), ends)
