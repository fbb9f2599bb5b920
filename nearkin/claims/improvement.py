"""Did the typical label improve, did any get worse beyond chance, and is category recall saturated?"""

from collections.abc import Mapping
from typing import Any, cast

import polars as pl

from nearkin.claims import hodges_lehmann
from nearkin.claims.evidence import ALPHA, Evidence, make_claim_row
from nearkin.tables.claims import (
    COUNT,
    HODGES_LEHMANN,
    IMPROVED,
    INCONCLUSIVE,
    NOT_SUPPORTED,
    RECALL,
    SATURATED,
    SUPPORTED,
    WORSE,
)
from nearkin.vocabulary import MIN_LABELS


def test_typical_improvement(labels: pl.DataFrame, noun: str) -> dict[str, object]:
    """Whether the typical one of `labels`, rows of a `Differences` table, improved: an answer.

    `noun` says what they are, species or genera.
    """
    points = labels["diff_pp"].round(hodges_lehmann.DECIMALS)
    if len(labels) < MIN_LABELS:
        evidence = Evidence(null_reason=f"it takes {MIN_LABELS} {noun}, not {len(labels)}")
    else:
        evidence = hodges_lehmann.hodges_lehmann(points.to_numpy())
    counts: dict[str, object] = {"n_improved": (points > 0).sum(), "n_worsened": (points < 0).sum()}
    return make_claim_row(IMPROVED, HODGES_LEHMANN, evidence) | counts


def test_any_worsened(ranked: pl.DataFrame) -> dict[str, object]:
    """Which of the `enough_queries` rows of `Differences` got worse beyond chance (Holm): an answer."""
    significant = ranked.filter(pl.col("p_holm") < ALPHA)
    worsened = significant.filter(pl.col("diff_pp") < 0).sort("diff_pp", "category", "label")
    reason = _find_obstacle(ranked)
    return {
        "claim": WORSE,
        "measure": COUNT,
        "answer": INCONCLUSIVE if reason is not None else SUPPORTED if len(worsened) else NOT_SUPPORTED,
        "null_reason": reason,
        "estimate": float(len(worsened)) if reason is None else None,
        "n_improved": len(significant) - len(worsened),
        "n_worsened": len(worsened),
        "worsened_labels": worsened["label"].to_list(),
    }


def _find_obstacle(ranked: pl.DataFrame) -> str | None:
    """Why no species could differ significantly; None if one could.

    The smallest p of the sign-flip test is 2 / 2**n_groups, when all groups change alike, and
    Holm's first step multiplies it by the number of species.
    """
    if ranked.is_empty():
        return "no species has enough queries"
    max_groups = cast(int, ranked["n_groups"].max())
    if len(ranked) * 2.0 ** (1 - max_groups) < ALPHA:
        return None
    return (
        f"none of {len(ranked)} species has more than {max_groups} groups of images, too few to pass Holm’s "
        "adjustment even if all of them changed alike"
    )


def test_saturation(row: Mapping[str, Any]) -> dict[str, object]:
    """Whether a category recall, a row of a `Metrics` table, is shown to lie above the ceiling: an answer."""
    if row["value"] is None:
        evidence = Evidence(null_reason=row["null_reason"])
    elif row["n_labels"] < 2:
        evidence = Evidence(null_reason="there is one category only, so that every neighbour is of it")
    else:
        evidence = Evidence(row["value"], row["ci_low"], row["ci_high"])
    return make_claim_row(SATURATED, RECALL, evidence)
