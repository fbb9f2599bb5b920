"""Queries whose fast products tell too little apart, searched in float64."""

import numpy as np
import torch

from nearkin.search.similarity import similarities

BUFFER = 2**26
"""Bytes of products in memory at once."""

UNIT = 2.0**-53


def brute_force_pairs(queries, gallery, rows, *, depth):
    """The pairs that can be among the nearest of the queries `rows`: yields (query, other, similarity).

    `queries` and `gallery` are `QuantisedVectors`. What has the same bytes is scored once, so thousands of
    copies cost no more than one.
    """
    n, width = gallery.exact.shape
    step = max(1, BUFFER // (8 * n))
    for start in range(0, len(rows), step):
        asking = rows[start : start + step]
        products = _products(queries.exact[asking], gallery.exact, at_once=max(1, BUFFER // (8 * width)))
        products.masked_fill_(queries.codes[asking][:, None] == gallery.codes[:n], -torch.inf)
        kth = torch.topk(products, min(depth, n), dim=1).values[:, -1]
        lengths = queries.lengths[asking] * gallery.lengths.max()
        # Products and similarities, of the depth-th and of another: four sums may be wrong.
        least = kth - 4 * width * UNIT / (1 - width * UNIT) * lengths
        near, other = torch.nonzero((products >= least[:, None]) & (products > -torch.inf), as_tuple=True)
        yield asking[near], other, _scored(queries, gallery, asking[near], other)


def _products(some, gallery, *, at_once):
    some = some.double()
    products = torch.empty(len(some), len(gallery), dtype=torch.float64, device=some.device)
    for start in range(0, len(gallery), at_once):
        part = slice(start, start + at_once)
        torch.mm(some, gallery[part].double().T, out=products[:, part])
    return products


def _scored(queries, gallery, query, other):
    """The similarities of pairs, each kind of vector looked at once."""
    present, place = torch.unique(other, return_inverse=True)
    rows = np.ascontiguousarray(gallery.exact[present].cpu().numpy())
    as_bytes = rows.view(f"V{rows.dtype.itemsize * rows.shape[1]}").ravel()
    _, first, kind = np.unique(as_bytes, return_index=True, return_inverse=True)
    kinds = torch.from_numpy(kind).to(other.device)[place]  # of each pair
    pair, back = torch.unique(query * len(first) + kinds, return_inverse=True)
    asked = present[torch.from_numpy(first).to(other.device)[pair % len(first)]]
    return similarities(queries.exact, gallery.exact, pair // len(first), asked)[back]
