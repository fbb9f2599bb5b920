"""The improvement by number of training images."""

import dataframely as dy

from nearkin.tables.columns import protocol_key


class Trend(dy.Schema):
    """One row per point of a fitted curve: the change of species recall@k at a number of training images.

    The curve is a straight line over log2(1 + training images); `per_doubling` is its slope, the
    same in all rows of a curve. No rows where too few species are compared.
    """

    protocol = protocol_key()
    category = dy.String(primary_key=True, description="one category, or `all`")
    k = dy.Int32(primary_key=True, min=1, description="number of neighbours considered")
    n_train = dy.Int64(
        primary_key=True,
        min=0,
        description="training images of a species in the split, before any `train_fraction`",
    )
    diff_pp = dy.Float64(description="fitted change of recall, trained less base, in percentage points")
    ci_low = dy.Float64(description="lower end of the curve's 95 % interval there, in percentage points")
    ci_high = dy.Float64(description="upper end of the curve's 95 % interval there, in percentage points")
    per_doubling = dy.Float64(description="percentage points for every doubling of 1 + training images")
    per_doubling_ci_low = dy.Float64(description="lower end of its 95 % interval")
    per_doubling_ci_high = dy.Float64(description="upper end of its 95 % interval")
    n_species = dy.Int64(min=1, description="species behind the curve")
    n_queries = dy.Int64(min=1, description="queries behind them")
