"""Is category recall saturated?"""

from collections.abc import Mapping
from typing import Any

from nearkin.claims.evidence import Evidence, make_claim_row
from nearkin.tables.claims import RECALL, SATURATED


def test_saturation(row: Mapping[str, Any]) -> dict[str, object]:
    """Whether a category recall, a row of a `Metrics` table, is shown to lie above the ceiling: an answer."""
    if row["value"] is None:
        evidence = Evidence(null_reason=row["null_reason"])
    elif row["n_labels"] < 2:
        evidence = Evidence(null_reason="there is one category only, so that every neighbour is of it")
    else:
        evidence = Evidence(row["value"], row["ci_low"], row["ci_high"])
    return make_claim_row(SATURATED, RECALL, evidence)
