"""Query by query: whom each of two models found nearest, and which of them was right."""

import polars as pl

OUTCOMES = {
    (True, True): "both_right",
    (False, True): "gained",
    (True, False): "lost",
    (False, False): "both_wrong",
}
"""By whether the base's nearest is right, and the trained one's."""

KEY = ["protocol", "uuid"]


def compare_top1(hits, nearest):
    """The nearest neighbour of every query under two models, as a `Flips` table.

    `hits` and `nearest` are pairs, base and trained: a `QueryScores` table, and of the neighbours
    (protocol, uuid, neighbour) those of rank 1.
    """
    base, trained = (
        frame.select("level", *KEY, "category", "label", "first_relevant_rank") for frame in hits
    )
    both = base.join(trained.drop("category", "label"), on=["level", *KEY], suffix="_trained")
    for model, found in zip(("base", "trained"), nearest, strict=True):
        both = both.join(
            found.select(*KEY, pl.col("neighbour").alias(f"{model}_nearest")), on=KEY, how="left"
        )
    before, after = (
        (pl.col(name) == 1).fill_null(False)
        for name in ("first_relevant_rank", "first_relevant_rank_trained")
    )
    outcome = pl.lit(None, dtype=pl.String)
    for (was_right, is_right), name in OUTCOMES.items():
        outcome = pl.when((before == was_right) & (after == is_right)).then(pl.lit(name)).otherwise(outcome)
    return both.with_columns(
        outcome=outcome,
        base_first_relevant_rank="first_relevant_rank",
        trained_first_relevant_rank="first_relevant_rank_trained",
    )
