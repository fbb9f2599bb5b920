"""What was done, row by row: before, after, and why."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import escape

from nearkin.audit.defects import field_order
from nearkin.audit.text_diff import mark_changes
from nearkin.html.visible_text import escape_invisible, humanise

MAX_PER_DEFECT = 200
MAX_ROWS = 5000
MAX_BYTES = 2_500_000
"""Of all rows together, on the page."""

KEY = ["uuid", "row_index", "field", "defect"]


def list_changes(curation_log: pl.LazyFrame, *, categories: pl.LazyFrame) -> list[dict[str, str]]:
    """Rows of the table of repairs: path, category, field, defect, action, before, after, reason.

    `curation_log` is sorted by its key. At most MAX_PER_DEFECT rows of a field, defect and action, and as
    many of all kinds evenly as MAX_ROWS and MAX_BYTES allow. They are selected by uuid, which is as
    good as random. All texts are as they are shown; the longer ones are markup.
    """
    kind = ["field", "defect", "action"]
    keys = curation_log.select(*KEY, "action").collect()
    rank = pl.int_range(pl.len()).over(kind)
    ranked = keys.with_columns(rank=rank).filter(pl.col("rank") < MAX_PER_DEFECT)
    chosen = ranked.sort("rank", *kind).head(MAX_ROWS).lazy().select(*KEY, "rank")
    rows = curation_log.join(chosen, on=KEY).join(categories, on="uuid", how="left")
    shown, n_bytes = [], 0
    for row in rows.collect().sort("rank", *kind).iter_rows(named=True):
        shown.append(_describe_row(row))
        n_bytes += sum(len(str(value).encode()) for value in shown[-1].values())
        if n_bytes > MAX_BYTES:
            break
    return sorted(
        shown, key=lambda row: (field_order(row["field"]), row["defect"], row["action"], row["path"])
    )


def _describe_row(row: Mapping[str, Any]) -> dict[str, str]:
    before, after = row["before"], row["after"]
    if row["field"] == "file" and before and after and "/" not in before:
        after = after.rsplit("/", 1)[-1]  # the path shows the folder
    before, after = mark_changes(before, after)
    return {
        **{name: humanise(row[name]) for name in ("field", "defect", "action")},
        "category": escape_invisible(row["category"] or "", 40) or "–",
        "before": before,
        "after": after,
        "reason": escape(escape_invisible(row["reason"])),
        "path": escape(escape_invisible(row["path"])),
    }
