"""Connected rows stay connected when pairs are left out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nearkin.groups.components import connected_components, merge_pair_blocks

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1]))


def same_parts(one, other):
    return np.array_equal(one[:, None] == one, other[:, None] == other)


def test_chains_are_one_component_and_the_others_are_alone():
    assert same_parts(connected_components(np.array([[3, 1], [1, 0]]), 5), np.array([0, 0, 1, 0, 2]))
    assert same_parts(connected_components(np.empty((0, 2), dtype=np.int64), 3), np.arange(3))


@given(st.lists(PAIRS, max_size=4))
def test_few_pairs_connect_the_same_rows_as_all_of_them(blocks):
    every = merge_pair_blocks(blocks, 10, max_pairs=100)
    few = merge_pair_blocks(blocks, 10, max_pairs=5)
    assert sorted({tuple(sorted(pair)) for block in blocks for pair in block}) == list(
        map(tuple, every.tolist())
    )
    assert same_parts(connected_components(few, 10), connected_components(every, 10))
    assert set(few.ravel().tolist()) == set(every.ravel().tolist())


def test_as_many_pairs_as_are_allowed_are_kept_as_they_are():
    chain = [[[2, 1]], [[2, 3]]]
    assert merge_pair_blocks(chain, 4, max_pairs=2).tolist() == [[1, 2], [2, 3]]
    assert merge_pair_blocks(chain, 4, max_pairs=1).tolist() == [[1, 2], [1, 3]]
    assert merge_pair_blocks([], 4, max_pairs=0).tolist() == []
