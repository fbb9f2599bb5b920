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
        check=lambda column: column.is_in(["grouped", "random", "random_masked"]),
        description="grouped: the study's split; naive: the same shares, each image dealt by itself; "
        "random_masked: that, with group mates hidden from each query",
    )
    query_subset = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["all", "same_group_in_gallery", "no_same_group_in_gallery"]),
        description="queries with, or without, a group mate in their gallery",
    )
    recall = dy.Float64(nullable=True, min=0, max=1, description="recall@k (any hit), micro")
    ci_low = dy.Float64(nullable=True, description="95 % bootstrap interval over groups")
    ci_high = dy.Float64(nullable=True, description="95 % bootstrap interval over groups")
    n_queries = dy.Int64(min=0, description="queries")
    n_groups = dy.Int64(min=0, description="groups that they are of")
    n_leaking_groups = dy.Int64(min=0, description="groups that this way of splitting tears apart")
    n_leaking_images = dy.Int64(min=0, description="images of these groups")
