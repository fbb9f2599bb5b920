"""Pairs of close vectors are those of a plain double loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin import cosines


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 7, 2**24]))
def test_pairs_are_those_of_a_plain_double_loop(seed, at_once):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(25, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[10:13] = vectors[:3]
    exact = vectors.astype(np.float64)
    expected = [[i, j] for i in range(25) for j in range(i + 1, 25) if (exact[i] * exact[j]).sum() >= 0.9]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosines, "AT_ONCE", at_once)
        assert cosines.cosine_pairs(vectors, 0.9).tolist() == expected


def test_nothing_among_nothing():
    assert cosines.cosine_pairs(np.empty((0, 4), dtype=np.float32), 0.9).shape == (0, 2)
