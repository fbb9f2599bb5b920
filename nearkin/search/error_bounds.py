"""Vectors in the precision in which products are fast, and how wrong such a product can be."""

from typing import NamedTuple

import numpy as np
import torch

GROUP = 8
"""Products whose largest is compared first; sets of vectors are padded to multiples of it."""

CHUNK_ROWS = 2**9
"""Vectors in float64 at once: few enough for the cache."""

UNIT = {torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}
"""The largest relative error of rounding a number."""


class QuantisedVectors(NamedTuple):
    """A set of vectors, ready to be searched.

    `exact` is float32 (n, width). `fast` are the same in the fast precision, followed by
    rows of zeros up to a multiple of GROUP. For all these rows, a vector must not find those with its
    own of the `codes` (-1 for the rows of zeros), `residuals` are the lengths of exact - fast, and
    `lengths` those of exact.
    """

    exact: torch.Tensor
    fast: torch.Tensor
    codes: torch.Tensor
    residuals: torch.Tensor
    lengths: torch.Tensor

    def of(self, block: slice) -> "QuantisedVectors":
        """The vectors of a slice."""
        return QuantisedVectors(*(column[block] for column in self))


def fast_precision(device: torch.device) -> torch.dtype:
    """The precision of the fast product: bfloat16 where the processor multiplies it natively."""
    if device.type == "cuda":
        is_native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:  # private functions, which may be missing: float32 does as well, at half the speed
        checks = (
            getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
        is_native = any(check() for check in checks if check)
    return torch.bfloat16 if is_native else torch.float32


def quantise(
    vectors: np.ndarray, codes: np.ndarray, *, device: torch.device, precision: torch.dtype
) -> QuantisedVectors:
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
    is_wrong = ~torch.isfinite(lengths[:n]) | (lengths[:n] == 0)
    if is_wrong.any():
        row = int(is_wrong.nonzero()[0])
        raise ValueError(f"vector {row} is zero or not finite: it has no nearest neighbours")
    all_codes = torch.full((n_filled,), -1, dtype=torch.int32, device=device)
    all_codes[:n] = torch.tensor(codes)
    return QuantisedVectors(exact, fast, all_codes, residuals, lengths)


def product_error_bound(queries: QuantisedVectors, gallery: QuantisedVectors) -> torch.Tensor:
    """The largest error of the fast products of each query, before they are rounded: (n_queries,).

    |q.x - q'.x'| <= |q - q'| |x| + |q'| |x - x'| for the rounded q', x' (Cauchy and Schwarz), and the
    sum of `width` products in float32 adds width u / (1 - width u) |q'| |x'| with u = 2^-23 (Higham
    2002, section 3.1; u for adders that cut off instead of rounding). Underflow adds to the error.
    """
    width = queries.exact.shape[1]
    underflow = (width + 1) * torch.finfo(torch.float32).smallest_normal
    longest, roughest = gallery.lengths.max(), gallery.residuals.max()
    fast_lengths = queries.lengths + queries.residuals
    sums = width * 2.0**-23 / (1 - width * 2.0**-23) * fast_lengths * (longest + roughest)
    return queries.residuals * longest + fast_lengths * roughest + sums + underflow
