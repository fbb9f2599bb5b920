"""Top-k of scored pairs, and the order of additions in their similarities."""

import numpy as np
import pytest
import torch

from nearkin.search import similarity
from nearkin.search.similarity import compute_similarities
from nearkin.search.topk import top_k


def rank_pairs(pairs, *, n_queries, depth):
    """Indices and similarities, from pairs (query, other, similarity)."""
    query, other, value = (torch.tensor(column) for column in zip(*pairs, strict=True))
    columns = top_k(query, other, value.double(), n_queries=n_queries, depth=depth)
    return tuple(column.tolist() for column in columns)


def test_pairs_are_sorted_by_similarity_then_index():
    pairs = [(1, 5, 0.5), (0, 3, 0.25), (0, 9, 0.75), (1, 2, 0.5), (0, 4, 0.25), (1, 7, 0.75), (0, 1, -1.0)]
    indices, similarities = rank_pairs(pairs, n_queries=2, depth=3)
    assert indices == [[9, 3, 4], [7, 2, 5]]
    assert similarities == [[0.75, 0.25, 0.25], [0.75, 0.5, 0.5]]


def test_a_query_with_fewer_pairs_is_padded():
    indices, similarities = rank_pairs([(2, 4, 0.5), (0, 1, 0.25), (0, 0, 0.75)], n_queries=4, depth=2)
    assert indices == [[0, 1], [-1, -1], [4, -1], [-1, -1]]
    assert similarities == [[0.75, 0.25], [-np.inf] * 2, [0.5, -np.inf], [-np.inf] * 2]


@pytest.mark.parametrize("chunk_numbers", [1, 8, 12, 2**18])
def test_sums_add_the_upper_half_to_the_lower(monkeypatch, chunk_numbers):
    """Five products: (a + d) + (c) and (b + e), then (a + d + c) + (b + e): small numbers may get lost."""
    monkeypatch.setitem(similarity.CHUNK_NUMBERS, "cpu", chunk_numbers)
    big, small = 2.0**53, 1.0
    rows = {
        (big, 0, 0, small, 0): big,  # lost at once
        (0, big, 0, small, small): big,  # (d), then b + e: lost; then lost
        (0, big, small, small, 0): big + 2,  # (d + c) = 2, added to b
        (0, small, 0, 0, -small): 0.0,
        (1.0, 2, 4, 8, 16): 31.0,
    }
    gallery = torch.tensor(list(rows), dtype=torch.float32)
    queries = torch.tensor([[1.0] * 5, [2.0] * 5])
    query_rows, gallery_rows = torch.tensor([0] * 5 + [1] * 5), torch.arange(5).repeat(2)
    similarities = compute_similarities(queries, gallery, query_rows, gallery_rows)
    assert similarities.tolist() == [*rows.values(), *(2 * value for value in rows.values())]


def test_a_product_of_one_coordinate_is_exact():
    vector = torch.tensor([[1 + 2.0**-23]])
    assert (
        compute_similarities(vector, vector, torch.tensor([0]), torch.tensor([0])).item()
        == (1 + 2.0**-23) ** 2
    )
