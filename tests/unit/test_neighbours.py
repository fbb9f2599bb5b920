"""Exact search against loops over Python numbers."""

import numpy as np
import pytest

from nearkin import neighbours, protocols
from tests.unit import drawn


def brute_force(queries, gallery, hidden, depth):
    """Sums in index order, one product at a time; sorted by similarity, then by index."""
    rows = []
    for q, query in enumerate(queries.tolist()):
        scored = []
        for g, other in enumerate(gallery.tolist()):
            if not hidden[q, g]:
                total = 0.0
                for a, b in zip(query, other, strict=True):
                    total += a * b
                scored.append((-total, g))
        rows.append([(g, -s) for s, g in sorted(scored)[:depth]])
    return rows


def search(queries, gallery, hidden, depth):
    rows = []
    for start, indices, similarities in neighbours.nearest(
        queries, gallery, depth=depth, hidden=lambda start, stop: hidden[start:stop]
    ):
        assert start == len(rows)
        rows += [
            [(i, s) for i, s in zip(*pair, strict=True) if i >= 0]
            for pair in zip(indices.tolist(), similarities.tolist(), strict=True)
        ]
    return rows


CASES = {
    "random": drawn.vectors(1, 150),
    "tied": drawn.vectors(2, 150, width=4, levels=2),
    "copies": drawn.vectors(3, 150, n_copies=140),
    "all_equal": np.tile(drawn.vectors(4, 1, n_copies=0), (150, 1)),
    "nearly_equal": drawn.vectors(4, 1, n_copies=0) + np.float32(1e-7) * drawn.vectors(5, 150),
}


@pytest.mark.parametrize("block_bytes", [600, 64 * 2**20])
@pytest.mark.parametrize("depth", [1, 7, 200])
@pytest.mark.parametrize("case", CASES)
def test_nearest_equals_brute_force(monkeypatch, case, depth, block_bytes):
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(neighbours, "SPARE", 5)
    vectors = CASES[case]
    hidden = np.eye(150, dtype=bool) | (np.random.default_rng(6).random((150, 150)) < 0.05)
    hidden[3] = True  # a query that may find nobody
    assert search(vectors[:60], vectors, hidden[:60], depth) == brute_force(
        vectors[:60], vectors, hidden[:60], depth
    )


@pytest.mark.parametrize("masked", [True, False])
def test_a_query_finds_neither_itself_nor_its_masked_mates(masked):
    labels, splits = drawn.study(1)
    uuids = sorted(labels["uuid"])
    found = protocols.find(
        uuids, drawn.vectors(1, len(uuids)), splits, protocol="leave_one_out", depth=100, mask_groups=masked
    )
    group = dict(splits.select("uuid", "group_id").iter_rows())
    mates = [group[a] == group[b] for a, b in found.select("uuid", "neighbour").iter_rows()]
    assert any(mates) is not masked
    assert (found["uuid"] != found["neighbour"]).all()


def test_search_queries_test_and_finds_train():
    labels, splits = drawn.study(2)
    uuids = sorted(labels["uuid"])
    found = protocols.find(
        uuids, drawn.vectors(1, len(uuids)), splits, protocol="search", depth=3, mask_groups=True
    )
    side = dict(splits.select("uuid", "split").iter_rows())
    assert {side[uuid] for uuid in found["uuid"]} == {"test"}
    assert {side[uuid] for uuid in found["neighbour"]} == {"train"}
    assert found.group_by("uuid").len()["len"].unique().to_list() == [3]
