"""The similarity of two vectors to the last bit, whatever computes it.

It is the sum of the products of their float32 values in float64, added pairwise: the upper
half of the coordinates onto the lower half, until one number is left (Higham 2002, section
4.1). A product of two float32 is exact in float64, and every addition is written out here
as one of whole columns. So neither blocks nor threads nor the device change a bit, and
equal vectors have equal similarities.
"""

import torch

CHUNK_NUMBERS = {"cpu": 2**18, "cuda": 2**26}
"""Numbers in one buffer: on a CPU few enough for its cache."""


def compute_similarities(
    queries: torch.Tensor, gallery: torch.Tensor, query_rows: torch.Tensor, gallery_rows: torch.Tensor
) -> torch.Tensor:
    """The similarities of pairs of rows: float64, (n_pairs,).

    `queries` and `gallery` are float32 (n, width); `query_rows` and `gallery_rows` are the row numbers
    of the pairs.
    """
    device, width = queries.device, queries.shape[1]
    sums = torch.empty(len(query_rows), dtype=torch.float64, device=device)
    step = max(1, CHUNK_NUMBERS[device.type] // width)
    left, right = (
        torch.empty(step, width, dtype=dtype, device=device) for dtype in (torch.float64, torch.float32)
    )
    wide = queries.double()
    for start in range(0, len(query_rows), step):
        pairs = slice(start, start + step)
        n = len(query_rows[pairs])
        torch.index_select(wide, 0, query_rows[pairs], out=left[:n])
        torch.index_select(gallery, 0, gallery_rows[pairs], out=right[:n])
        sums[pairs] = _sum_rows(left[:n].mul_(right[:n]))
    return sums


def _sum_rows(products: torch.Tensor) -> torch.Tensor:
    """The sums of the rows; overwrites them."""
    n_left = products.shape[1]
    while n_left > 1:
        half = (n_left + 1) // 2
        products[:, : n_left - half] += products[:, half:n_left]
        n_left = half
    return products[:, 0]
