"""How a split that ignores groups would change the recall."""

import dataframely as dy

from nearkin.tables.columns import level_key, protocol_key


class LeakageAudit(dy.Schema):
    """One row per kind of split and subset of queries: recall of a base encoder."""

    protocol = protocol_key()
    level = level_key()
    k = dy.Int64(primary_key=True, min=1, description="number of neighbours considered")
    split = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["grouped", "random", "random_masked"]),
        description="grouped: the study's split; random: the same shares, each image assigned at random; "
        "random_masked: the same, but without images of the query's group in its gallery",
    )
    query_subset = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["all", "same_group_in_gallery", "no_same_group_in_gallery"]),
        description="all queries, or those with, or without, an image of their group in their gallery",
    )
    recall = dy.Float64(nullable=True, min=0, max=1, description="recall@k (any hit), micro")
    ci_low = dy.Float64(nullable=True, description="95 % bootstrap interval over groups")
    ci_high = dy.Float64(nullable=True, description="95 % bootstrap interval over groups")
    n_queries = dy.Int64(min=0, description="queries")
    n_groups = dy.Int64(min=0, description="groups behind the queries")
    n_leaking_groups = dy.Int64(min=0, description="groups that span several splits of this kind")
    n_leaking_images = dy.Int64(min=0, description="images of these groups")
