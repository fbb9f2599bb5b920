"""How the improvement depends on the number of training images: a fitted curve with its interval."""

import numpy as np
import polars as pl

from nearkin.evaluation import intervals
from nearkin.evaluation.bootstrap import bootstrap_weights
from nearkin.tables.categories import distinct_categories
from nearkin.tables.trend import Trend
from nearkin.vocabulary import ALL, MIN_LABELS

N_POINTS = 33
"""Training sizes at which the curve is computed, evenly spaced on its axis."""


def fit_trend(differences: pl.DataFrame, *, bootstrap_samples: int, seed: int) -> pl.DataFrame:
    """The improvement of species by their training images, as a `Trend` table.

    The curve is a + b log2(1 + training images), by least squares in which each species has its
    number of queries as weight. Intervals resample species, since it is species that differ in their
    training images. There are no rows where fewer than MIN_LABELS species are compared or all have the
    same number of training images, nor for `unseen_species`, whose species have none.
    """
    of_species = differences.filter(pl.col("label") != ALL, level="species", metric="recall")
    parts = []
    for (protocol, k), block in of_species.group_by("protocol", "k", maintain_order=True):
        for category in (
            (ALL, *distinct_categories(block["category"])) if protocol != "unseen_species" else ()
        ):
            scope = block if category == ALL else block.filter(category=category)
            if len(scope) >= MIN_LABELS and scope["n_train"].n_unique() > 1:
                curve = _fit_curve(scope.sort("category", "label"), bootstrap_samples, seed)
                key = {"protocol": protocol, "category": category, "k": k}
                parts.append(curve.with_columns(**{name: pl.lit(value) for name, value in key.items()}))
    return Trend.cast(pl.concat(parts)) if parts else Trend.create_empty()


def _fit_curve(species: pl.DataFrame, bootstrap_samples: int, seed: int) -> pl.DataFrame:
    """All columns except protocol, category and k."""
    n_train, points, queries = (species[name].to_numpy() for name in ("n_train", "diff_pp", "n_queries"))
    size = np.log2(1 + n_train)
    grid = np.unique(np.rint(2 ** np.linspace(size.min(), size.max(), N_POINTS) - 1).astype(np.int64))
    axis = np.log2(1 + grid)
    (height,), (slope,) = _fit_lines(size, points, queries[None, :])
    chunks = bootstrap_weights(
        np.zeros(len(species), dtype=int), bootstrap_samples=bootstrap_samples, seed=seed
    )
    fits = [_fit_lines(size, points, queries * weights) for weights in chunks]
    heights, slopes = (np.concatenate(each) for each in zip(*fits, strict=True))
    low, high = intervals.percentile_interval(heights[:, None] + slopes[:, None] * axis)
    slope_low, slope_high = intervals.percentile_interval(slopes)
    shared = {"per_doubling": slope, "per_doubling_ci_low": slope_low, "per_doubling_ci_high": slope_high}
    shared |= {"n_species": len(species), "n_queries": queries.sum()}
    curve = pl.DataFrame({"n_train": grid, "diff_pp": height + slope * axis, "ci_low": low, "ci_high": high})
    return curve.with_columns(**{name: pl.lit(value) for name, value in shared.items()})


def _fit_lines(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height at 0 and slope of weighted least squares, for each row of weights (n, n_points).

    NaN where all points with weight have the same x.

    >>> height, slope = _fit_lines(np.array([0, 1, 3]), np.array([1, 3, 7]), np.ones((1, 3)))
    >>> height.round(9).tolist(), slope.round(9).tolist()
    ([1.0], [2.0])
    """
    total = weights.sum(axis=1)
    x_mean, y_mean = weights @ x / total, weights @ y / total
    deviation = x - x_mean[:, None]
    spread = (weights * deviation**2).sum(axis=1)
    spread[spread < 1e-9 * total] = np.nan
    slope = (weights * deviation * (y - y_mean[:, None])).sum(axis=1) / spread
    return y_mean - slope * x_mean, slope
