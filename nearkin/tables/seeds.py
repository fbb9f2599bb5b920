"""Means over models that differ only in their seed."""

import dataframely as dy

from nearkin.tables.columns import level_key, protocol_key


class SeedSummaries(dy.Schema):
    """One row per configuration and number; a model without other seeds is a configuration of one.

    `ci_low` and `ci_high` are the uncertainty of the mean for these very models, over queries; how much
    the seed matters is in `std`, `min` and `max`.
    """

    protocol = protocol_key()
    level = level_key()
    category = dy.String(primary_key=True, description="one category, or `all`")
    config_name = dy.String(
        primary_key=True, description="a model, or the name that models of several seeds share"
    )
    metric = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["recall", "diff_pp"]),
        description="recall (micro, all queries, 0 to 1), or the base's subtracted, in percentage points",
    )
    k = dy.Int32(primary_key=True, min=1, description="number of neighbours considered")
    mean = dy.Float64(min=-100, max=100, description="mean over the seeds")
    ci_low = dy.Float64(min=-100, max=100, description="lower end of the mean's 95 % interval")
    ci_high = dy.Float64(min=-100, max=100, description="upper end of the mean's 95 % interval")
    std = dy.Float64(nullable=True, min=0, description="standard deviation over the seeds; null for one")
    min = dy.Float64(min=-100, max=100, description="of the seeds")
    max = dy.Float64(min=-100, max=100, description="of the seeds")
    n_seeds = dy.Int64(min=1, description="models behind the mean")
    n_queries = dy.Int64(min=1, description="queries of each model")
    n_groups = dy.Int64(min=1, description="groups behind them")
