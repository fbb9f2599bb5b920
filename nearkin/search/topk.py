"""The nearest of each query among scored pairs."""

import torch


def top_k(
    query: torch.Tensor, other: torch.Tensor, similarity: torch.Tensor, *, n_queries: int, depth: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices and similarities of the nearest `depth`: int64 and float64, (n_queries, depth).

    The pairs come in any order, but none twice. Equal similarities are ordered by `other`;
    where a query has fewer pairs, -1 and -inf follow.
    """
    order = torch.sort(other).indices
    order = order[torch.sort(similarity[order], descending=True, stable=True).indices]
    order = order[torch.sort(query[order], stable=True).indices]
    query, other, similarity = query[order].long(), other[order].long(), similarity[order]
    counts = torch.bincount(query, minlength=n_queries)
    rank = torch.arange(len(query), device=query.device) - (counts.cumsum(0) - counts)[query]
    is_near = rank < depth
    indices = torch.full((n_queries, depth), -1, device=query.device)
    similarities = torch.full((n_queries, depth), -torch.inf, dtype=torch.float64, device=query.device)
    indices[query[is_near], rank[is_near]] = other[is_near]
    similarities[query[is_near], rank[is_near]] = similarity[is_near]
    return indices, similarities
