"""The one-cycle learning rate (Smith and Topin 2018), as a function of the step."""

import math
from typing import NamedTuple

START_FACTOR = 1 / 25  # of the peak
END_FACTOR = START_FACTOR / 1e4
MOMENTUM = (0.95, 0.85)  # at the ends and at the peak; torch's default, which Unicom's code uses


class LrAndMomentum(NamedTuple):
    """How fast a step learns: a factor on the peak learning rate, and AdamW's first beta."""

    factor: float
    beta: float


def one_cycle(step: int, n_steps: int, *, warmup_fraction: float) -> LrAndMomentum:
    """Learning rate and momentum of a step, 0 to `n_steps - 1`.

    The rate rises to its peak in the share `warmup_fraction` of the steps, then falls; both along a cosine.
    Same values as torch's OneCycleLR, but also defined for a handful of steps.

    >>> [round(one_cycle(step, 5, warmup_fraction=0.4).factor, 3) for step in range(5)]
    [0.04, 1.0, 0.75, 0.25, 0.0]
    """
    peak, last = max(warmup_fraction * n_steps - 1, 0.0), n_steps - 1
    if step <= peak and peak > 0:
        share, low = step / peak, START_FACTOR
    else:
        share, low = (last - step) / max(last - peak, 1e-9), END_FACTOR
    weight = (1 - math.cos(math.pi * min(share, 1.0))) / 2  # 0 at the ends, 1 at the peak
    return LrAndMomentum(low + (1 - low) * weight, MOMENTUM[0] + (MOMENTUM[1] - MOMENTUM[0]) * weight)
