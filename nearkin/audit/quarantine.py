"""The delivered rows that were set aside, by reason."""

import polars as pl

MAX_SHOWN_ROWS = 12
"""Rows of a reason that the page shows."""

CONFLICT_REASONS = ["conflicting_rows", "label_conflict"]
"""Shown as conflicts, side by side."""


def quarantine_by_reason(quarantine, defects, *, categories):
    """A dict per reason, frequent ones first: reason, meaning, n, and the rows that are shown.

    A row is (uuid, path, detail). Those shown come from all categories in turn, by uuid.
    `defects` are those of `count_defects`.
    """
    meanings = {row["defect"]: row["meaning"] for row in defects if row["action"] == "quarantined"}
    keys = quarantine.select("uuid", "row", "reason").join(categories, on="uuid", how="left").collect()
    keys = keys.sort("uuid", "row").with_columns(rank=pl.int_range(pl.len()).over("reason", "category"))
    chosen = keys.sort("rank", "category").group_by("reason", maintain_order=True).head(MAX_SHOWN_ROWS)
    chosen = chosen.filter(~pl.col("reason").is_in(CONFLICT_REASONS)).select(
        "uuid", "row", "rank", "category"
    )
    rows = quarantine.join(chosen.lazy(), on=["uuid", "row"]).collect().sort("rank", "category")
    counts = keys.group_by("reason").len("n").sort("n", "reason", descending=[True, False])
    return [
        {
            "reason": reason,
            "meaning": meanings.get(reason, ""),
            "n": n,
            "rows": rows.filter(reason=reason).select("uuid", "path", "detail").to_dicts(),
        }
        for reason, n in counts.iter_rows()
    ]
