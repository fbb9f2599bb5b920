"""What was done, row by row: before, after, and why."""

import polars as pl
from markupsafe import escape

from nearkin.audit.defects import rank_of
from nearkin.audit.text_diff import marked
from nearkin.html.visible_text import visible, word

MOST_OF_A_KIND = 200
MOST = 5000
MOST_BYTES = 2_500_000
"""Of all rows together, as they stand in the page."""

KEY = ["uuid", "row", "field", "defect"]


def rows(gaps, *, categories):
    """Rows of the table of repairs: (path, category, field, defect, action, before, after, evidence).

    `gaps` are sorted by their key. At most MOST_OF_A_KIND of a field, defect and action, and so
    many of all kinds evenly as MOST and MOST_BYTES allow. Which ones goes by uuid, which is as
    good as by lot. All texts are as they are shown; the longer ones are markup.
    """
    kind = ["field", "defect", "action"]
    keys = gaps.select(*KEY, "action").collect()
    rank = pl.int_range(pl.len()).over(kind)
    ranked = keys.with_columns(rank=rank).filter(pl.col("rank") < MOST_OF_A_KIND)
    chosen = ranked.sort("rank", *kind).head(MOST).lazy().select(*KEY, "rank")
    found = gaps.join(chosen, on=KEY).join(categories, on="uuid", how="left")
    shown, n_bytes = [], 0
    for row in found.collect().sort("rank", *kind).iter_rows(named=True):
        shown.append(_shown(row))
        n_bytes += sum(len(str(value).encode()) for value in shown[-1].values())
        if n_bytes > MOST_BYTES:
            break
    return sorted(shown, key=lambda row: (rank_of(row["field"]), row["defect"], row["action"], row["path"]))


def _shown(row):
    before, after = row["before"], row["after"]
    if row["field"] == "file" and before and after and "/" not in before:
        after = after.rsplit("/", 1)[-1]  # the folder stands in the path
    before, after = marked(before, after)
    return {
        **{name: word(row[name]) for name in ("field", "defect", "action")},
        "category": visible(row["category"] or "", 40) or "–",
        "before": before,
        "after": after,
        "evidence": escape(visible(row["evidence"])),
        "path": escape(visible(row["path"])),
    }
