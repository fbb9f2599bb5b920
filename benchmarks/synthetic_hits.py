"""Synthetic scores of queries whose hit probability is known: a long tail of species, groups of images."""

import numpy as np
import polars as pl

from nearkin.vocabulary import MAIN_LEVELS

N_CATEGORIES = 3
SPECIES_PER_GENUS = 3
CORRELATED_SHARE = 0.7
"""The share of groups whose images all hit or all miss."""


def make_queries(n, *, n_species, seed):
    """Queries with `category`, `genus`, `species`, `group` and their `chance`; about two per group."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, n_species + 1) ** 0.7
    species = np.sort(rng.choice(n_species, size=n, p=share / share.sum()))
    chance = rng.beta(3, 2, n_species)[species]
    starts_group = rng.random(n) < 0.5
    starts_group |= np.diff(species, prepend=-1) != 0
    return pl.DataFrame(
        {
            "category": pl.Series(species % N_CATEGORIES).cast(pl.String),
            "genus": pl.Series(species // N_CATEGORIES // SPECIES_PER_GENUS).cast(pl.String),
            "species": pl.Series(species).cast(pl.String),
            "group": np.cumsum(starts_group),
            "chance": chance,
        }
    ).with_columns(species=pl.format("{} {}", "genus", "species"))


def make_hits(queries, *, seed, depth=100, ks=(1, 5, 10)):
    """A `QueryScores` table of the queries; a query that hits does so with its nearest neighbour."""
    rng = np.random.default_rng(seed)
    n = len(queries)
    n_groups = queries["group"][-1]
    is_correlated = (rng.random(n_groups) < CORRELATED_SHARE)[queries["group"].to_numpy() - 1]
    uniform = np.where(is_correlated, rng.random(n_groups)[queries["group"].to_numpy() - 1], rng.random(n))
    first = np.where(uniform < queries["chance"].to_numpy(), 1, rng.integers(2, depth + 50, n))
    first_relevant_rank = pl.when(pl.col("first") <= depth).then(pl.col("first"))
    parts = [
        queries.select(
            protocol=pl.lit("leave_one_out"),
            level=pl.lit(level),
            uuid=pl.int_range(pl.len()).cast(pl.String).str.zfill(36),
            category="category",
            label=level,
            group_id=pl.col("group").cast(pl.String).str.zfill(36),
            n_relevant=pl.lit(2, dtype=pl.Int64),
            first=pl.Series(np.maximum(1, first // 2 ** (2 - i)).astype(np.int32)),
        )
        for i, level in enumerate(MAIN_LEVELS)
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
