"""Invented answers of queries whose chance to hit is known: a long tail of species, groups of images."""

import numpy as np
import polars as pl

LEVELS = ["category", "genus", "species"]
CATEGORIES = 3
PER_GENUS = 3
ALIKE = 0.7
"""The share of groups whose images all hit or all miss."""


def queries(n, *, n_species, seed):
    """Queries with `category`, `genus`, `species`, `group` and their `chance`; about two to a group."""
    drawn = np.random.default_rng(seed)
    share = 1 / np.arange(1, n_species + 1) ** 0.7
    species = np.sort(drawn.choice(n_species, size=n, p=share / share.sum()))
    chance = drawn.beta(3, 2, n_species)[species]
    new = drawn.random(n) < 0.5
    new |= np.diff(species, prepend=-1) != 0
    return pl.DataFrame(
        {
            "category": pl.Series(species % CATEGORIES).cast(pl.String),
            "genus": pl.Series(species // CATEGORIES // PER_GENUS).cast(pl.String),
            "species": pl.Series(species).cast(pl.String),
            "group": np.cumsum(new),
            "chance": chance,
        }
    ).with_columns(species=pl.format("{} {}", "genus", "species"))


def hits(asked, *, seed, depth=100, ks=(1, 5, 10)):
    """A `QueryScores` table of the queries: the first hit of an image that hits is its nearest."""
    drawn = np.random.default_rng(seed)
    n = len(asked)
    n_groups = asked["group"][-1]
    together = (drawn.random(n_groups) < ALIKE)[asked["group"].to_numpy() - 1]
    luck = np.where(together, drawn.random(n_groups)[asked["group"].to_numpy() - 1], drawn.random(n))
    first = np.where(luck < asked["chance"].to_numpy(), 1, drawn.integers(2, depth + 50, n))
    first_relevant_rank = pl.when(pl.col("first") <= depth).then(pl.col("first"))
    parts = [
        asked.select(
            protocol=pl.lit("leave_one_out"),
            level=pl.lit(level),
            uuid=pl.int_range(pl.len()).cast(pl.String).str.zfill(36),
            category="category",
            label=level,
            group_id=pl.col("group").cast(pl.String).str.zfill(36),
            n_relevant=pl.lit(2, dtype=pl.Int64),
            first=pl.Series(np.maximum(1, first // 2 ** (2 - i)).astype(np.int32)),
        )
        for i, level in enumerate(LEVELS)
    ]
    return (
        pl.concat(parts)
        .with_columns(first_relevant_rank=first_relevant_rank, same_group_excluded=pl.lit(True))
        .with_columns(
            n_relevant_at_k=pl.concat_list([(pl.col("first") <= k).cast(pl.Int32) for k in ks]),
            r_precision=(1 / pl.col("first_relevant_rank")).fill_null(0),
            average_precision=(1 / pl.col("first_relevant_rank")).fill_null(0),
        )
        .drop("first")
    )
