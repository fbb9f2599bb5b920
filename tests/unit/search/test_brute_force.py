"""The search in float64 returns the exact nearest neighbours, although its products have errors."""

import numpy as np
import pytest
import torch

from nearkin.search import brute_force
from nearkin.search.error_bounds import quantise
from tests.factories import random_study

UNIT = 2.0**-53
SMALL = 2.0**-10


def quantise_vectors(vectors, codes):
    vectors = np.array(vectors, dtype=np.float32)
    return quantise(vectors, np.array(codes), device=torch.device("cpu"), precision=torch.float32)


def score_pairs(queries, gallery, *, depth, products=None, monkeypatch=None):
    """Every scored pair and its similarity, as a dict."""
    if products is not None:
        table = torch.tensor(products, dtype=torch.float64)
        monkeypatch.setattr(
            brute_force, "_compute_products", lambda queries, gallery, chunk_rows: table.clone()
        )
    scores = {}
    for query, other, similarity in brute_force.brute_force_pairs(
        queries, gallery, torch.arange(len(queries.exact)), depth=depth
    ):
        assert len(query) == len(other) == len(similarity)
        scores |= dict(
            zip(zip(query.tolist(), other.tolist(), strict=True), similarity.tolist(), strict=True)
        )
    return scores


def make_vector(**products):
    """A vector whose products with (1, 2^-10, ..., 2^-10) are `at_8=...`; the others are 0, the first 1."""
    vector = [1.0] + [0.0] * 15
    for name, value in products.items():
        vector[int(name.removeprefix("at_"))] = value / SMALL
    return vector


def test_sums_in_any_order_find_the_nearest(monkeypatch):
    """Both similarities are 1 + 10 u with u = 2^-53: each addition loses or gains u.

    The exact sums are 1 + 6 u and 1 + 14 u, and any order of 15 additions may be wrong by 15 u.
    """
    up, down = UNIT * (1 + 2.0**-23), UNIT * (1 - 2.0**-23)
    nearest = make_vector(at_8=up, at_4=up, at_2=up, at_1=3 * up)
    other = make_vector(at_8=down, at_4=down, at_2=down, at_1=11 * down)
    queries, gallery = (
        quantise_vectors([[1.0] + [SMALL] * 15], [0]),
        quantise_vectors([nearest, other], [1, 2]),
    )
    products = [[1 - 9 * UNIT, 1 + 28 * UNIT]]
    scores = score_pairs(queries, gallery, depth=1, products=products, monkeypatch=monkeypatch)
    assert scores == {(0, 0): 1 + 10 * UNIT, (0, 1): 1 + 10 * UNIT}


def test_pairs_beyond_the_error_of_a_sum_are_not_scored(monkeypatch):
    queries, gallery = (
        quantise_vectors([[2.0, 0, 0, 0]], [0]),
        quantise_vectors([[4.0, 0, 0, 0]] * 3, [1, 2, 3]),
    )
    products = [[8.0, 8 - 128 * UNIT, 8 - 136 * UNIT]]  # 8 times 4 times 4 u, and a little more
    scores = score_pairs(queries, gallery, depth=1, products=products, monkeypatch=monkeypatch)
    assert set(scores) == {(0, 0), (0, 1)}


@pytest.mark.parametrize("buffer", [1, 8 * 12 * 5, 2**26])
def test_blocks_of_any_size_score_the_same_pairs(monkeypatch, buffer):
    monkeypatch.setattr(brute_force, "BUFFER_BYTES", buffer)
    vectors, codes = random_study.vectors(1, 12, width=5, n_copies=0), np.arange(12) // 2
    queries = quantise_vectors(vectors, codes)
    products = vectors.astype(float) @ vectors.T.astype(float)
    products[codes[:, None] == codes] = -np.inf
    expected = {(i, j) for i, row in enumerate(products) for j in np.argsort(-row)[:3]}
    scores = score_pairs(queries, queries, depth=3)
    assert set(scores) == expected
    assert all(scores[pair] == pytest.approx(products[pair], abs=1e-15) for pair in expected)


def test_all_pairs_of_other_codes_are_scored_below_the_depth():
    vectors = random_study.vectors(1, 4, n_copies=0)
    queries = quantise_vectors(vectors, [0, 0, 1, 2])
    assert set(score_pairs(queries, queries, depth=9)) == {
        *((i, j) for i in (0, 1) for j in (2, 3)),
        *((2, j) for j in (0, 1, 3)),
        *((3, j) for j in (0, 1, 2)),
    }
