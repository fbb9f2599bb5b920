"""Connected rows stay connected when redundant pairs are dropped."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nearkin.groups.components import connected_components, merge_pair_blocks

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1]))


def have_same_components(first, second):
    return np.array_equal(first[:, None] == first, second[:, None] == second)


def test_a_chain_is_one_component_and_other_rows_are_single():
    assert have_same_components(
        connected_components(np.array([[3, 1], [1, 0]]), 5), np.array([0, 0, 1, 0, 2])
    )
    assert have_same_components(connected_components(np.empty((0, 2), dtype=np.int64), 3), np.arange(3))


@given(st.lists(PAIRS, max_size=4))
def test_reduced_pairs_connect_the_same_rows_as_all_pairs(blocks):
    all_pairs = merge_pair_blocks(blocks, 10, max_pairs=100)
    reduced = merge_pair_blocks(blocks, 10, max_pairs=5)
    assert sorted({tuple(sorted(pair)) for block in blocks for pair in block}) == list(
        map(tuple, all_pairs.tolist())
    )
    assert have_same_components(connected_components(reduced, 10), connected_components(all_pairs, 10))
    assert set(reduced.ravel().tolist()) == set(all_pairs.ravel().tolist())


def test_pairs_up_to_the_limit_are_kept():
    chain = [[[2, 1]], [[2, 3]]]
    assert merge_pair_blocks(chain, 4, max_pairs=2).tolist() == [[1, 2], [2, 3]]
    assert merge_pair_blocks(chain, 4, max_pairs=1).tolist() == [[1, 2], [1, 3]]
    assert merge_pair_blocks([], 4, max_pairs=0).tolist() == []
