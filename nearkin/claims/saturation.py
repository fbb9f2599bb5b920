"""Is category recall saturated?"""

from nearkin.claims.evidence import Evidence, claim_row
from nearkin.tables.claims import RECALL, SATURATED


def test_saturation(row):
    """Whether a category recall, a row of a `Metrics` table, surely lies above the ceiling: an answer."""
    if row["value"] is None:
        found = Evidence(null_reason=row["null_reason"])
    elif row["n_labels"] < 2:
        found = Evidence(null_reason="there is one category only, so that every neighbour is of it")
    else:
        found = Evidence(row["value"], row["ci_low"], row["ci_high"])
    return claim_row(SATURATED, RECALL, found)
