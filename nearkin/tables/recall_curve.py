"""Recall by number of neighbours."""

import dataframely as dy

from nearkin.tables.columns import level_key, protocol_key


class RecallCurve(dy.Schema):
    """One row per point of a curve: the recall (any hit) of all queries at one k, micro average."""

    protocol = protocol_key()
    level = level_key()
    k = dy.Int32(primary_key=True, min=1, description="number of neighbours considered")
    value = dy.Float64(
        min=0, max=1, description="share of queries with a correct neighbour among the k nearest"
    )
    ci_low = dy.Float64(min=0, max=1, description="lower end of the 95 % interval")
    ci_high = dy.Float64(min=0, max=1, description="upper end of the 95 % interval")
    n_queries = dy.Int64(min=1, description="queries behind the value")
    n_groups = dy.Int64(min=1, description="groups behind the value")
