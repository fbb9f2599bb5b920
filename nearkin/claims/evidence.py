"""What an answer rests on, and when it is enough."""

from typing import NamedTuple

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

NULL_VALUES = {SPEARMAN: 0, ODDS_RATIO: 1, HODGES_LEHMANN: 0, RECALL: CEILING}
"""The value of each measure at which there is nothing to be shown."""


class Evidence(NamedTuple):
    """An estimate with its 95 % interval and two-sided p-value; or `null_reason` there is none."""

    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    null_reason: str | None = None


def direction(measure, found):
    """Where an estimate surely lies: 1 above `NULL_VALUES`, -1 below it, 0 where neither is shown.

    Without a p-value the interval must exclude `NULL_VALUES`. With one, p must be under `ALPHA` and the
    interval not reach beyond: where many labels did not change, it may end at 0 and yet be open there.

    >>> direction("spearman", Evidence(0.2, 0.1, 0.3, 0.01))
    1
    >>> direction("odds_ratio", Evidence(0.9, 0.8, 1.1, 0.3))
    0
    >>> direction("hodges_lehmann", Evidence(5, 0, 10, 0.01))
    1
    >>> direction("hodges_lehmann", Evidence(0, 0, 10, 0.01))
    0
    """
    nothing = NULL_VALUES[measure]
    if found.p_value is None:
        return int(found.ci_low > nothing) - int(found.ci_high < nothing)
    if found.p_value >= ALPHA or found.estimate == nothing:
        return 0
    return int(found.ci_low >= nothing) - int(found.ci_high <= nothing)


def claim_row(claim, measure, found, *, showing=(1,)):
    """The columns of a `Claims` table that `found` fills; `showing` are the sides that show the claim."""
    if found.null_reason is not None:
        answer = INCONCLUSIVE
    else:
        answer = SUPPORTED if direction(measure, found) in showing else NOT_SUPPORTED
    return {"claim": claim, "measure": measure, "answer": answer, **found._asdict()}
