"""The sentences of a study, each with its evidence."""

import dataframely as dy

from nearkin.tables.columns import level_key, protocol_key

SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = ANSWERS = ["supported", "not supported", "inconclusive"]
RISES, RELATED, IMPROVED, WORSE, SATURATED = CLAIMS = [
    "rises_with_training_images",
    "improvement_goes_with_training_images",
    "typical_label_improved",
    "some_got_worse",
    "category_is_saturated",
]
SPEARMAN, ODDS_RATIO, HODGES_LEHMANN, COUNT, RECALL = MEASURES = [
    "spearman",
    "odds_ratio",
    "hodges_lehmann",
    "count",
    "recall",
]


class Claims(dy.Schema):
    """One row per claim, model or pair, and category: whether the data support it, and the evidence.

    An estimate is, by its measure, Spearman's rank correlation; the factor of the odds of a hit
    for every doubling of 1 + training images; the Hodges-Lehmann estimate of a change, in
    percentage points; how many got worse beyond chance; or a recall.
    """

    claim = dy.String(
        primary_key=True, check=lambda column: column.is_in(CLAIMS), description=f"one of {', '.join(CLAIMS)}"
    )
    subject = dy.String(primary_key=True, description="a model, or a pair as `base/trained`")
    protocol = protocol_key()
    level = level_key()
    category = dy.String(primary_key=True, description="one category, or `all`")
    measure = dy.String(
        primary_key=True,
        check=lambda column: column.is_in(MEASURES),
        description=f"what the estimate is: {', '.join(MEASURES)}",
    )
    k = dy.Int32(primary_key=True, min=1, description="number of neighbours considered")
    answer = dy.String(check=lambda column: column.is_in(ANSWERS), description=", ".join(ANSWERS))
    null_reason = dy.String(nullable=True, description="why it is inconclusive")
    estimate = dy.Float64(nullable=True, description="the measure's value")
    ci_low = dy.Float64(nullable=True, description="lower end of the 95 % interval")
    ci_high = dy.Float64(nullable=True, description="upper end of the 95 % interval")
    p_value = dy.Float64(nullable=True, min=0, max=1, description="two-sided, of this row alone")
    n_labels = dy.Int64(min=0, description="species, genera or categories behind it")
    n_queries = dy.Int64(min=0, description="queries behind it")
    min_train_images = dy.Int64(
        nullable=True, min=0, description="fewest training images of a label, where a claim is about them"
    )
    max_train_images = dy.Int64(
        nullable=True, min=0, description="most training images of a label, where a claim is about them"
    )
    n_improved = dy.Int64(
        nullable=True, min=0, description="labels that improved; for some_got_worse, beyond chance"
    )
    n_worsened = dy.Int64(
        nullable=True, min=0, description="labels that got worse; for some_got_worse, beyond chance"
    )
    worsened_labels = dy.List(
        dy.String(),
        description="for some_got_worse: the labels that got worse beyond chance, the largest drop first",
    )
