"""Pairs of close vectors are those of a plain double loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.groups import cosine_pairs


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 7, 2**24]))
def test_pairs_are_those_of_a_plain_double_loop(seed, chunk_products):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(25, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[10:13] = vectors[:3]
    exact = vectors.astype(np.float64)
    expected = [[i, j] for i in range(25) for j in range(i + 1, 25) if (exact[i] * exact[j]).sum() >= 0.9]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosine_pairs, "CHUNK_PRODUCTS", chunk_products)
        assert cosine_pairs.cosine_pairs(vectors, 0.9).tolist() == expected


def test_no_vectors_have_no_pairs():
    assert cosine_pairs.cosine_pairs(np.empty((0, 4), dtype=np.float32), 0.9).shape == (0, 2)


@pytest.mark.parametrize(("offset", "pairs"), [(0, [[0, 1]]), (1e-12, []), (-1e-12, [[0, 1]])])
def test_cosines_near_the_limit_are_computed_in_float64(offset, pairs):
    vectors = np.array([[1.0, 0.0], [0.6, 0.8]], dtype=np.float32)
    assert cosine_pairs.cosine_pairs(vectors, float(vectors[1, 0]) + offset).tolist() == pairs


def test_rounding_errors_of_float32_are_corrected():
    """The float32 product of the first two is too small, or too large, by less than ROUNDING."""
    vectors = np.array([[0.6, 0.8], [0.6, 0.8]], dtype=np.float32)
    exact = float((vectors[0].astype(float) ** 2).sum())
    for limit, pairs in [(exact, [[0, 1]]), (np.nextafter(exact, 2), [])]:
        assert cosine_pairs.cosine_pairs(vectors, limit).tolist() == pairs


def test_reduced_pairs_connect_the_same_vectors(monkeypatch):
    monkeypatch.setattr(cosine_pairs, "MAX_PAIRS", 3)
    monkeypatch.setattr(cosine_pairs, "CHUNK_PRODUCTS", 1)
    equal_vectors = np.eye(2, dtype=np.float32)[[0, 0, 0, 0]]
    assert cosine_pairs.cosine_pairs(equal_vectors, 0.9).tolist() == [[0, 1], [0, 2], [0, 3]]


def test_a_borderline_pair_of_a_later_block_uses_its_own_vectors(monkeypatch):
    vectors = np.eye(7, dtype=np.float32)
    vectors[5, 3], vectors[5, 5] = 0.6, 0.8
    monkeypatch.setattr(cosine_pairs, "CHUNK_PRODUCTS", 2 * len(vectors))  # 3 is the second row of a block
    exact = float(vectors[3].astype(np.float64) @ vectors[5])
    assert cosine_pairs.cosine_pairs(vectors, exact).tolist() == [[3, 5]]
    assert cosine_pairs.cosine_pairs(vectors, np.nextafter(exact, 1)).tolist() == []
