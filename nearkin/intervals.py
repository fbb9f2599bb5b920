"""How sure a recall is: resampling groups, and Wilson's interval for one proportion."""

import numpy as np

LEVEL = 0.95
_CHUNK = 2**22  # numbers drawn at once


def resampled_sums(strata, values, *, resamples, seed):
    """Yields (n, n_strata, n_values) sums of `values` over resampled rows, `resamples` in all.

    `strata` (n_rows,) are sorted codes 0, 1, ... and `values` is (n_rows, n_values). Each
    resample draws as many rows of a stratum as it has, with replacement (the stratified
    bootstrap of Davison and Hinkley 1997, section 3.2). A row is a group of images.
    """
    sizes = np.bincount(strata)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    n_rows = len(strata)
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // n_rows)
    for done in range(0, resamples, step):
        n = min(step, resamples - done)
        drawn = starts[strata] + np.floor(generator.random((n, n_rows)) * sizes[strata]).astype(np.int64)
        yield np.add.reduceat(values[drawn], starts, axis=1)


def percentile_interval(samples):
    """The middle 95 % of `samples` (n_resamples, ...) along the first axis: low, high."""
    tail = (1 - LEVEL) / 2
    return np.quantile(samples, [tail, 1 - tail], axis=0)


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
