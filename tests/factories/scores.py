"""Tables of query scores from a few rows."""

import polars as pl


def counted_hits(rows):
    """A `QueryScores` table of one level from rows (category, label, group, n_relevant, rank)."""
    names = ["category", "label", "group_id", "n_relevant", "first_relevant_rank"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    first = pl.col("first_relevant_rank")
    return table.select(
        protocol=pl.lit("leave_one_out"),
        level=pl.lit("species"),
        uuid=pl.int_range(pl.len()).cast(pl.String),
        **{name: pl.col(name) for name in names},
        n_relevant_at_k=pl.concat_list((first <= 1).fill_null(False).cast(pl.Int32)),
        r_precision=pl.when(pl.col("n_relevant") <= 2).then((first <= 1).fill_null(False).cast(pl.Float64)),
        average_precision=pl.lit(0.0),
        same_group_excluded=pl.lit(True),
    )
