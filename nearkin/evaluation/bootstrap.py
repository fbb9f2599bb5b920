"""Sums of queries by label and group, and their bootstrap resamples.

Images of one group mostly hit or miss together, so a group is one draw. Groups are drawn within
species, with the same draws for all levels and numbers of a protocol.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import numpy as np
import polars as pl
from scipy import sparse

from nearkin.vocabulary import LABEL, LEVELS

UNIT = ["category", "finest", "group_id"]
CHUNK_WEIGHTS = 2**22  # weights in memory


class LabelGroupSums:
    """The queries `n` of each label and unit at one level, and the sums of `columns` over them.

    `labels` are the rows (category, label), sorted; `table` holds a row per label and unit, and
    `values` its numbers, (n_cells, 1 + n_columns).
    """

    def __init__(self, hits: pl.DataFrame, columns: Iterable[pl.Expr]) -> None:
        """`hits` of one level, with their `unit`; `columns` are expressions that are summed up."""
        sums = [
            number.cast(pl.Float64) for number in (pl.len().alias("n"), *(column.sum() for column in columns))
        ]
        self.table = hits.group_by([*LABEL, "unit"]).agg(*sums).sort([*LABEL, "unit"])
        self.labels = self.table.select(LABEL).unique(maintain_order=True)
        self.values = self.table.drop(*LABEL, "unit").to_numpy()

    def matrix(self, n_units: int) -> sparse.csr_array:
        """The sparse matrix that turns weights of units into sums: (n_labels * n_columns, n_units)."""
        label = self.table.select(pl.struct(LABEL).rle_id()).to_series().to_numpy().astype(np.int64)
        n_columns = self.values.shape[1]
        row = (label[:, None] * n_columns + np.arange(n_columns)).ravel()
        column = np.repeat(self.table["unit"].to_numpy(), n_columns)
        shape = len(self.labels) * n_columns, n_units
        return sparse.csr_array((self.values.ravel(), (row, column)), shape=shape)


def add_resampling_units(hits: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    """`(hits, strata)`: the hits of one protocol with the `unit` of each, and the stratum of each unit.

    A unit is a group within the finest label that a query has, usually its species. Units of
    one species are a stratum. Units that are alone in their species could never vary, so they share
    one stratum per category.
    """
    order = pl.col("level").cast(pl.Enum(LEVELS)).to_physical()
    finest = hits.group_by("uuid").agg(finest=pl.col("label").sort_by(order).last())
    hits = hits.join(finest, on="uuid", maintain_order="left")
    units = hits.select(UNIT).unique()
    is_alone = pl.len().over("category", "finest") == 1
    units = units.with_columns(stratum=pl.when(~is_alone).then("finest"))
    units = units.sort("category", "stratum", *UNIT[1:]).with_row_index("unit")
    strata = units.select(pl.struct("category", "stratum").rle_id()).to_series().to_numpy().astype(np.int64)
    return hits.join(units.select(*UNIT, "unit"), on=UNIT, maintain_order="left"), strata


def bootstrap_sums(
    cells: Sequence[LabelGroupSums], strata: np.ndarray, *, bootstrap_samples: int, seed: int
) -> Iterator[list[np.ndarray]]:
    """Yields the sums of several `LabelGroupSums` over resampled units, chunk by chunk.

    Each chunk is a list of arrays (n_labels, n_columns, n), one for each of `cells`, from the same
    draws; their last axes add up to `bootstrap_samples`.
    """
    matrices = [group_sums.matrix(len(strata)) for group_sums in cells]
    widest = max([len(strata), *(cast(tuple[int, int], matrix.shape)[0] for matrix in matrices)])
    at_once = max(1, CHUNK_WEIGHTS // widest) * len(strata)
    for weights in bootstrap_weights(
        strata, bootstrap_samples=bootstrap_samples, seed=seed, chunk_weights=at_once
    ):
        columns = np.ascontiguousarray(weights.T)
        yield [
            (matrix @ columns).reshape(len(group_sums.labels), -1, len(weights))
            for group_sums, matrix in zip(cells, matrices, strict=True)
        ]


def bootstrap_weights(
    strata: np.ndarray, *, bootstrap_samples: int, seed: int, chunk_weights: int = CHUNK_WEIGHTS
) -> Iterator[np.ndarray]:
    """Yields (n, n_rows) weights of resampled rows, `bootstrap_samples` in all.

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
    step = max(1, chunk_weights // n_rows)
    for n_done in range(0, bootstrap_samples, step):
        n = min(step, bootstrap_samples - n_done)
        rows = start + (generator.random((n, len(start))) * size).astype(np.int64)
        rows += n_rows * np.arange(n)[:, None]
        yield np.bincount(rows.ravel(), minlength=n * n_rows).reshape(n, n_rows) * weight
