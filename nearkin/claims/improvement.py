"""Did the typical label improve, and did any get worse beyond chance?"""

import polars as pl

from nearkin.claims import hodges_lehmann
from nearkin.claims.evidence import ALPHA, Evidence, claim_row
from nearkin.tables.claims import (
    COUNT,
    HODGES_LEHMANN,
    IMPROVED,
    INCONCLUSIVE,
    NOT_SUPPORTED,
    SUPPORTED,
    WORSE,
)
from nearkin.vocabulary import MIN_LABELS


def test_typical_improvement(labels, noun):
    """Whether the typical one of `labels`, rows of a `Differences` table, rose: an answer.

    `noun` says what they are, species or genera.
    """
    points = labels["diff_pp"].round(hodges_lehmann.DECIMALS)
    if len(labels) < MIN_LABELS:
        found = Evidence(null_reason=f"it takes {MIN_LABELS} {noun}, not {len(labels)}")
    else:
        found = hodges_lehmann.hodges_lehmann(points.to_numpy())
    counts = {"n_improved": (points > 0).sum(), "n_worsened": (points < 0).sum()}
    return claim_row(IMPROVED, HODGES_LEHMANN, found) | counts


def test_any_worsened(ranked):
    """Which of the `enough_queries` rows of a `Differences` table fell beyond chance (Holm): an answer."""
    beyond = ranked.filter(pl.col("p_holm") < ALPHA)
    fell = beyond.filter(pl.col("diff_pp") < 0).sort("diff_pp", "category", "label")
    why = _find_obstacle(ranked)
    return {
        "claim": WORSE,
        "measure": COUNT,
        "answer": INCONCLUSIVE if why is not None else SUPPORTED if len(fell) else NOT_SUPPORTED,
        "null_reason": why,
        "estimate": float(len(fell)) if why is None else None,
        "n_improved": len(beyond) - len(fell),
        "n_worsened": len(fell),
        "worsened_labels": fell["label"].to_list(),
    }


def _find_obstacle(ranked):
    """Why no species could be told from chance; None if one could.

    The smallest p of the sign-flip test is 2 / 2**n_groups, when all groups change alike, and
    Holm's first step multiplies it by the number of species.
    """
    if ranked.is_empty():
        return "no species has enough queries"
    most = ranked["n_groups"].max()
    if len(ranked) * 2.0 ** (1 - most) < ALPHA:
        return None
    return (
        f"none of {len(ranked)} species has more than {most} groups of images, too few to pass Holm’s "
        "adjustment even if all of them changed alike"
    )
