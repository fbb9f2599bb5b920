"""The evidence behind an answer, and when it is enough."""

from collections.abc import Collection
from typing import NamedTuple, cast

from nearkin.tables.claims import (
    HODGES_LEHMANN,
    INCONCLUSIVE,
    NOT_SUPPORTED,
    ODDS_RATIO,
    RECALL,
    SPEARMAN,
    SUPPORTED,
)

ALPHA = 0.05
CEILING = 0.99
"""Category recall is saturated above it: at most one query in a hundred is left to gain."""

NULL_VALUES: dict[str, float] = {SPEARMAN: 0, ODDS_RATIO: 1, HODGES_LEHMANN: 0, RECALL: CEILING}
"""The value of each measure at which there is no effect."""


class Evidence(NamedTuple):
    """An estimate with its 95 % interval and two-sided p-value, or in `null_reason` why there is none."""

    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    null_reason: str | None = None


def find_direction(measure: str, evidence: Evidence) -> int:
    """On which side of its null value an estimate lies: 1 above, -1 below, 0 where neither is shown.

    Without a p-value the interval must exclude the null value. With one, p must be under `ALPHA`, and the
    interval may end at the null value but not cross it: where many labels did not change, it may end at 0
    and yet be open there. The evidence must have no `null_reason`.

    >>> find_direction("spearman", Evidence(0.2, 0.1, 0.3, 0.01))
    1
    >>> find_direction("odds_ratio", Evidence(0.9, 0.8, 1.1, 0.3))
    0
    >>> find_direction("hodges_lehmann", Evidence(5, 0, 10, 0.01))
    1
    >>> find_direction("hodges_lehmann", Evidence(0, 0, 10, 0.01))
    0
    """
    null_value = NULL_VALUES[measure]
    low, high = cast(tuple[float, float], (evidence.ci_low, evidence.ci_high))
    if evidence.p_value is None:
        return int(low > null_value) - int(high < null_value)
    if evidence.p_value >= ALPHA or evidence.estimate == null_value:
        return 0
    return int(low >= null_value) - int(high <= null_value)


def make_claim_row(
    claim: str, measure: str, evidence: Evidence, *, supporting: Collection[int] = (1,)
) -> dict[str, object]:
    """The columns of a `Claims` table that come from `evidence`.

    `supporting` are the directions that support the claim.
    """
    if evidence.null_reason is not None:
        answer = INCONCLUSIVE
    else:
        answer = SUPPORTED if find_direction(measure, evidence) in supporting else NOT_SUPPORTED
    return {"claim": claim, "measure": measure, "answer": answer, **evidence._asdict()}
