"""What a split that ignores groups would have done to the recall."""

import dataframely as dy

from nearkin.tables.columns import level_key, protocol_key


class LeakageAudit(dy.Schema):
    """One row per way of splitting and population of queries: recall of a base encoder."""

    protocol = protocol_key()
    level = level_key()
    k = dy.Int64(primary_key=True, min=1, description="neighbours looked at")
    split = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["grouped", "naive", "naive_masked"]),
        description="grouped: the study's split; naive: the same shares, each image dealt by itself; "
        "naive_masked: that, with group mates hidden from each query",
    )
    population = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["all", "with_mate", "without_mate"]),
        description="queries with, or without, a group mate in their gallery",
    )
    recall = dy.Float64(nullable=True, min=0, max=1, description="recall@k (any hit), micro")
    low = dy.Float64(nullable=True, description="95 % bootstrap interval over groups")
    high = dy.Float64(nullable=True, description="95 % bootstrap interval over groups")
    n_queries = dy.Int64(min=0, description="queries")
    n_groups = dy.Int64(min=0, description="groups that they are of")
    n_straddling_groups = dy.Int64(min=0, description="groups that this way of splitting tears apart")
    n_straddling_images = dy.Int64(min=0, description="images of these groups")
