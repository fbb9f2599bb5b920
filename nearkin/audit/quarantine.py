"""The quarantined rows, by reason."""

from collections.abc import Sequence
from typing import TypedDict

import polars as pl

from nearkin.audit.defects import DefectCount

MAX_SHOWN_ROWS = 12
"""Rows of a reason that the page shows."""

CONFLICT_REASONS = ["conflicting_rows", "label_conflict"]
"""Shown as conflicts, side by side."""


class QuarantinedRow(TypedDict):
    """A quarantined row that is shown."""

    uuid: str
    path: str | None
    detail: str


class QuarantineReason(TypedDict):
    """A reason, how many rows it has, and those that are shown: from all categories in turn, by uuid."""

    reason: str
    meaning: str
    n: int
    rows: list[QuarantinedRow]


def group_quarantine(
    quarantine: pl.LazyFrame, defects: Sequence[DefectCount], *, categories: pl.LazyFrame
) -> list[QuarantineReason]:
    """The reasons of quarantined rows, frequent ones first; `defects` are those of `count_defects`."""
    meanings = {row["defect"]: row["meaning"] for row in defects if row["action"] == "quarantined"}
    keys = quarantine.select("uuid", "row_index", "reason").join(categories, on="uuid", how="left").collect()
    keys = keys.sort("uuid", "row_index").with_columns(rank=pl.int_range(pl.len()).over("reason", "category"))
    chosen = keys.sort("rank", "category").group_by("reason", maintain_order=True).head(MAX_SHOWN_ROWS)
    chosen = chosen.filter(~pl.col("reason").is_in(CONFLICT_REASONS)).select(
        "uuid", "row_index", "rank", "category"
    )
    rows = quarantine.join(chosen.lazy(), on=["uuid", "row_index"]).collect().sort("rank", "category")
    counts = keys.group_by("reason").len("n").sort("n", "reason", descending=[True, False])
    return [
        {
            "reason": reason,
            "meaning": meanings.get(reason, ""),
            "n": n,
            "rows": _list_rows(rows.filter(reason=reason)),
        }
        for reason, n in counts.iter_rows()
    ]


def _list_rows(quarantine: pl.DataFrame) -> list[QuarantinedRow]:
    rows = quarantine.select("uuid", "path", "detail").iter_rows()
    return [{"uuid": uuid, "path": path, "detail": detail} for uuid, path, detail in rows]
