"""Vectors in the precision in which products are fast, and how wrong such a product can be."""

from typing import NamedTuple

import torch

GROUP = 8
"""Products whose largest is looked at first; numbers of vectors are filled up to multiples of it."""

CHUNK_ROWS = 2**9
"""Vectors in float64 at once: few enough for the cache."""

UNIT = {torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}
"""By how much a number changes at most when it is rounded, as a share of it."""


class QuantisedVectors(NamedTuple):
    """A set of vectors, ready to be searched.

    `exact` is float32 (n, width). `fast` are the same in the fast precision, followed by
    rows of zeros up to a multiple of GROUP. For all these rows, `codes` says whom a vector
    must not find, those with its code (-1 for what only fills up), `residuals` are the lengths
    of exact - fast, and `lengths` those of exact.
    """

    exact: torch.Tensor
    fast: torch.Tensor
    codes: torch.Tensor
    residuals: torch.Tensor
    lengths: torch.Tensor

    def of(self, block):
        """The vectors of a slice."""
        return QuantisedVectors(*(column[block] for column in self))


def fast_precision(device):
    """The precision of the fast product: bfloat16 where the processor multiplies it natively."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:  # private, so asked for with care: without them float32 does as well, at half the speed
        asked = (
            getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
        native = any(ask() for ask in asked if ask)
    return torch.bfloat16 if native else torch.float32


def quantise(vectors, codes, *, device, precision):
    """The `QuantisedVectors` form of float32 or float16 vectors (n, width) and their integer codes (n,).

    Raises ValueError for a vector that is zero or not finite.
    """
    exact = torch.from_numpy(vectors).to(device, torch.float32)
    n, width = exact.shape
    n_filled = -(-n // GROUP) * GROUP
    fast = torch.zeros(n_filled, width, dtype=precision, device=device)
    lengths, residuals = torch.zeros(2, n_filled, dtype=torch.float64, device=device)
    for start in range(0, n, CHUNK_ROWS):
        part = slice(start, min(start + CHUNK_ROWS, n))
        fast[part] = exact[part]
        wide = exact[part].double()
        lengths[part] = wide.norm(dim=1)
        residuals[part] = wide.sub_(fast[part]).norm(dim=1)
    wrong = ~torch.isfinite(lengths[:n]) | (lengths[:n] == 0)
    if wrong.any():
        row = int(wrong.nonzero()[0])
        raise ValueError(f"vector {row} is zero or not finite: it has no nearest neighbours")
    filled = torch.full((n_filled,), -1, dtype=torch.int32, device=device)
    filled[:n] = torch.tensor(codes)
    return QuantisedVectors(exact, fast, filled, residuals, lengths)


def product_error_bound(queries, gallery):
    """By how much the fast products of each query can be wrong, before they are rounded: (n_queries,).

    |q.x - q'.x'| <= |q - q'| |x| + |q'| |x - x'| for the rounded q', x' (Cauchy and Schwarz), and the
    sum of `width` products in float32 adds width u / (1 - width u) |q'| |x'| with u = 2^-23 (Higham
    2002, section 3.1; u for adders that cut off instead of rounding). What underflows is lost besides.
    """
    width = queries.exact.shape[1]
    lost = (width + 1) * torch.finfo(torch.float32).smallest_normal
    longest, roughest = gallery.lengths.max(), gallery.residuals.max()
    fast_lengths = queries.lengths + queries.residuals
    sums = width * 2.0**-23 / (1 - width * 2.0**-23) * fast_lengths * (longest + roughest)
    return queries.residuals * longest + fast_lengths * roughest + sums + lost
