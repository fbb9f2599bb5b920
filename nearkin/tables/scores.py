"""Scores of each query, and their averages and differences."""

import dataframely as dy

from nearkin.tables.columns import level_key, protocol_key

METRICS = ["recall", "precision", "r_precision", "map_at_r", "mrr", "genus_mean_of_species"]


class QueryScores(dy.Schema):
    """One row per query and level: how well it found images of its own label."""

    protocol = protocol_key()
    level = level_key()
    uuid = dy.String(primary_key=True, description="the query")
    category = dy.String(description="the query's category")
    label = dy.String(description="the query's label at this level")
    group_id = dy.String(description="the query's group")
    n_relevant = dy.Int64(
        min=0, description="gallery images of its label, without itself and images excluded with its group"
    )
    first_relevant_rank = dy.Int32(
        nullable=True,
        min=1,
        description="rank of the first neighbour of its label; null if none within the depth",
    )
    n_relevant_at_k = dy.List(
        dy.Int32(min=0), description="correct neighbours among the k nearest, for each k of `recall: ks`"
    )
    r_precision = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description="share of correct ones among the n_relevant nearest; null if fewer are stored",
    )
    average_precision = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description="MAP@R is its mean; null if fewer than n_relevant neighbours are stored",
    )
    same_group_excluded = dy.Bool(description="whether images of its group were excluded from its gallery")


class Metrics(dy.Schema):
    """One row per number: which metric, over which queries, and how many.

    `recall` at a level is the share of queries with any correct neighbour among the k
    nearest; `docs/metrics.md` defines the others. `genus_mean_of_species`, at level genus, is
    the mean of the species recalls within a genus, as the reference study printed it.
    """

    protocol = protocol_key()
    level = level_key()
    metric = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(METRICS),
        description="recall, precision, r_precision, map_at_r, mrr or genus_mean_of_species",
    )
    average = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["micro", "macro", "per_label"]),
        description="micro averages queries, macro averages labels, per_label is one label's own recall",
    )
    query_subset = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(["all", "reachable"]),
        description="all queries, or only those that could hit",
    )
    category = dy.String(primary_key=True, description="one category, or `all`")
    label = dy.String(primary_key=True, description="one label, or `all`")
    k = dy.Int32(primary_key=True, min=1, description="number of neighbours considered")
    value = dy.Float64(nullable=True, min=0, max=1, description="the number, 0 to 1; null where undefined")
    null_reason = dy.String(nullable=True, description="why the value is null")
    ci_low = dy.Float64(nullable=True, min=0, max=1, description="lower end of the 95 % interval")
    ci_high = dy.Float64(nullable=True, min=0, max=1, description="upper end of the 95 % interval")
    n_queries = dy.Int64(min=0, description="queries behind the value")
    n_groups = dy.Int64(min=0, description="groups behind the value")
    n_labels = dy.Int64(min=0, description="labels behind the value")
    n_unreachable = dy.Int64(min=0, description="queries that could not hit")
    same_group_excluded = dy.Bool(description="whether images of its group were excluded from its gallery")


class Differences(dy.Schema):
    """One row per compared number: base, trained, and the uncertainty of the difference.

    Both models have the same queries. `label` is `all` for a mean over queries.
    """

    protocol = protocol_key()
    level = level_key()
    metric = dy.String(primary_key=True, description="recall or genus_mean_of_species")
    category = dy.String(primary_key=True, description="one category, or `all`")
    label = dy.String(primary_key=True, description="one label, or `all`")
    k = dy.Int32(primary_key=True, min=1, description="number of neighbours considered")
    base = dy.Float64(min=0, max=1, description="recall of the base model")
    trained = dy.Float64(min=0, max=1, description="recall of the trained model")
    diff_pp = dy.Float64(min=-100, max=100, description="trained less base, in percentage points")
    ci_low = dy.Float64(nullable=True, description="lower end of the 95 % interval, in percentage points")
    ci_high = dy.Float64(nullable=True, description="upper end of the 95 % interval, in percentage points")
    p_value = dy.Float64(nullable=True, min=0, max=1, description="sign-flip test over groups, two-sided")
    p_holm = dy.Float64(nullable=True, min=0, max=1, description="the same, Holm-adjusted over ranked labels")
    q_value_bh = dy.Float64(
        nullable=True, min=0, max=1, description="the same, adjusted by Benjamini and Hochberg"
    )
    diff_pp_shrunk = dy.Float64(
        nullable=True,
        description="diff_pp of a label, shrunk towards the mean of its category (empirical Bayes)",
    )
    n_queries = dy.Int64(min=1, description="queries behind both recalls")
    n_groups = dy.Int64(min=1, description="groups behind both recalls")
    n_train = dy.Int64(
        min=0, description="training images of the label in the split, before any `train_fraction`"
    )
    enough_queries = dy.Bool(description="whether the label has enough queries to be ranked")


class Flips(dy.Schema):
    """One row per query and level: the nearest image under two models, and which of them is correct."""

    protocol = protocol_key()
    level = level_key()
    uuid = dy.String(primary_key=True, description="the query")
    category = dy.String(description="the query's category")
    label = dy.String(description="the query's label at this level")
    outcome = dy.String(
        check=lambda column: column.is_in(["both_right", "gained", "lost", "both_wrong"]),
        description="nearest image correct under both, only the trained, only the base, or neither",
    )
    base_nearest = dy.String(nullable=True, description="uuid of the nearest image under the base")
    trained_nearest = dy.String(nullable=True, description="uuid of the nearest image under the trained")
    base_first_relevant_rank = dy.Int32(
        nullable=True, min=1, description="first_relevant_rank under the base"
    )
    trained_first_relevant_rank = dy.Int32(
        nullable=True, min=1, description="first_relevant_rank under the trained"
    )


class Pairwise(dy.Schema):
    """One row per ordered pair of models: the difference of their overall recalls."""

    protocol = protocol_key()
    level = level_key()
    base = dy.String(primary_key=True, description="a model")
    trained = dy.String(primary_key=True, description="another model")
    k = dy.Int32(primary_key=True, min=1, description="number of neighbours considered")
    base_recall = dy.Float64(min=0, max=1, description="recall of the base")
    trained_recall = dy.Float64(min=0, max=1, description="recall of the trained")
    diff_pp = dy.Float64(min=-100, max=100, description="trained less base, in percentage points")
    ci_low = dy.Float64(description="lower end of the 95 % interval, in percentage points")
    ci_high = dy.Float64(description="upper end of the 95 % interval, in percentage points")
    p_value = dy.Float64(min=0, max=1, description="sign-flip test over groups, two-sided")
    n_queries = dy.Int64(min=1, description="queries behind both recalls")
    n_groups = dy.Int64(min=1, description="groups behind both recalls")
