"""Queries whose fast products are too close to each other, searched in float64."""

from collections.abc import Iterator

import numpy as np
import torch

from nearkin.search.error_bounds import QuantisedVectors
from nearkin.search.similarity import compute_similarities

BUFFER_BYTES = 2**26
"""Bytes of products in memory at once."""

UNIT = 2.0**-53


def brute_force_pairs(
    queries: QuantisedVectors, gallery: QuantisedVectors, rows: torch.Tensor, *, depth: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """The pairs that can be among the nearest of the queries `rows`: yields (query, other, similarity).

    Vectors with the same bytes are scored once, so thousands of copies cost no more than one.
    """
    n, width = gallery.exact.shape
    step, chunk_rows = max(1, BUFFER_BYTES // (8 * n)), max(1, BUFFER_BYTES // (8 * width))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        products = _compute_products(queries.exact[part], gallery.exact, chunk_rows=chunk_rows)
        products.masked_fill_(queries.codes[part][:, None] == gallery.codes[:n], -torch.inf)
        kth = torch.topk(products, min(depth, n), dim=1).values[:, -1]
        lengths = queries.lengths[part] * gallery.lengths.max()
        # Products and similarities, of the depth-th and of another: four sums may be wrong.
        least = kth - 4 * width * UNIT / (1 - width * UNIT) * lengths
        near, other = torch.nonzero((products >= least[:, None]) & (products > -torch.inf), as_tuple=True)
        yield part[near], other, _score_pairs(queries, gallery, part[near], other)


def _compute_products(queries: torch.Tensor, gallery: torch.Tensor, *, chunk_rows: int) -> torch.Tensor:
    """All products of float32 queries and gallery, in float64: (n_queries, n_gallery)."""
    queries = queries.double()
    products = torch.empty(len(queries), len(gallery), dtype=torch.float64, device=queries.device)
    for start in range(0, len(gallery), chunk_rows):
        part = slice(start, start + chunk_rows)
        torch.mm(queries, gallery[part].double().T, out=products[:, part])
    return products


def _score_pairs(
    queries: QuantisedVectors, gallery: QuantisedVectors, query: torch.Tensor, other: torch.Tensor
) -> torch.Tensor:
    """The similarities of pairs, computed once for others with the same bytes."""
    distinct, position = torch.unique(other, return_inverse=True)
    rows = np.ascontiguousarray(gallery.exact[distinct].cpu().numpy())
    as_bytes = rows.view(f"V{rows.dtype.itemsize * rows.shape[1]}").ravel()
    _, first, kind = np.unique(as_bytes, return_index=True, return_inverse=True)
    kinds = torch.from_numpy(kind).to(other.device)[position]  # of each pair
    pair, inverse = torch.unique(query * len(first) + kinds, return_inverse=True)
    gallery_rows = distinct[torch.from_numpy(first).to(other.device)[pair % len(first)]]
    return compute_similarities(queries.exact, gallery.exact, pair // len(first), gallery_rows)[inverse]
