"""Flips: the nearest image of each query under two models, and which of them is correct."""

from collections.abc import Sequence

import polars as pl

OUTCOMES = {
    (True, True): "both_right",
    (False, True): "gained",
    (True, False): "lost",
    (False, False): "both_wrong",
}
"""By whether the nearest image is correct under the base, and under the trained model."""

KEY = ["protocol", "uuid"]


def compare_top1(hits: Sequence[pl.DataFrame], nearest: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The nearest neighbour of every query under two models, as a `Flips` table.

    `hits` and `nearest` are pairs, base and trained: a `QueryScores` table, and of the neighbours
    (protocol, query, neighbour) those of rank 1.
    """
    base, trained = (
        frame.select("level", *KEY, "category", "label", "first_relevant_rank") for frame in hits
    )
    both = base.join(trained.drop("category", "label"), on=["level", *KEY], suffix="_trained")
    for model, neighbours in zip(("base", "trained"), nearest, strict=True):
        both = both.join(
            neighbours.select("protocol", pl.col("neighbour").alias(f"{model}_nearest"), uuid="query"),
            on=KEY,
            how="left",
        )
    base_is_right, trained_is_right = (
        (pl.col(name) == 1).fill_null(False)
        for name in ("first_relevant_rank", "first_relevant_rank_trained")
    )
    outcome = pl.lit(None, dtype=pl.String)
    for (base_value, trained_value), name in OUTCOMES.items():
        is_outcome = (base_is_right == base_value) & (trained_is_right == trained_value)
        outcome = pl.when(is_outcome).then(pl.lit(name)).otherwise(outcome)
    return both.with_columns(
        outcome=outcome,
        base_first_relevant_rank="first_relevant_rank",
        trained_first_relevant_rank="first_relevant_rank_trained",
    )
