"""The candidates contain the true nearest neighbours, whatever errors fast products have within the bound."""

from itertools import product

import numpy as np
import pytest
import torch

from nearkin.search import candidates, exact_knn
from nearkin.search.candidates import Candidates
from nearkin.search.error_bounds import product_error_bound, quantise
from tests.factories import random_study

CPU = torch.device("cpu")
PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}
UNIT = {torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}  # half the distance of numbers above 1
ULP = 2.0**-7  # of bfloat16 above 1


def make_query_and_gallery(n_queries, n_others, precision, width=32):
    """Copies of one query, and a gallery in which nothing is excluded."""
    query = np.tile(random_study.vectors(1, 1, width=width, n_copies=0), (n_queries, 1))
    others = random_study.vectors(2, n_others, width=width, n_copies=0)
    settings = {"device": CPU, "precision": precision}
    queries = quantise(query, np.full(n_queries, n_others), **settings)
    return queries, quantise(others, np.arange(n_others), **settings)


def make_collector(queries, gallery, n_queries, depth):
    return Candidates(queries, gallery, slice(0, n_queries), depth=depth)


def list_kept_pairs(collector):
    """The kept pairs: (query, other)."""
    return set(zip(*(column.tolist() for column in collector.find_certified_pairs()), strict=True))


def round_up(values, dtype):
    """The smallest numbers of a precision that are not less than the values (float64)."""
    near = values.to(dtype)
    up = torch.nextafter(near, torch.full_like(near, torch.inf))
    return torch.where(near.double() < values, up, near)


def compute_extreme_products(similarities, errors, dtype):
    """The lowest and the highest products that similarities may have: (n, 2).

    A product is first wrong by the error, and then, in bfloat16, by its own rounding.
    """
    unit = UNIT[dtype] if dtype == torch.bfloat16 else 0.0
    low, high = similarities - errors, similarities + errors
    low, high = low - unit * low.abs(), high + unit * high.abs()
    return torch.stack([round_up(low, dtype), -round_up(-high, dtype)], dim=1)


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("step", [0, 1 / 64, 1 / 2])
@pytest.mark.parametrize("centre", [-0.3, 0.0, 0.5, 0.999])
def test_any_allowed_error_keeps_the_true_nearest(precision, depth, step, centre):
    signs = torch.tensor(list(product([0, 1], repeat=8)))  # all combinations of low and high
    queries, gallery = make_query_and_gallery(len(signs), 16, precision)
    allowed = product_error_bound(queries, gallery)[0]
    true = centre - step * allowed * torch.arange(8, dtype=torch.float64)  # the nearest first
    contested = compute_extreme_products(true, allowed, precision)[torch.arange(8), signs]
    products = torch.full((len(signs), 16), -1.0, dtype=precision)
    products[:, 4:12] = contested  # half of the contested products in each block
    collector = make_collector(queries, gallery, len(signs), depth)
    for others in (slice(0, 8), slice(8, 16)):
        collector.add(products[:, others].contiguous(), others)
    nearest = range(8) if step == 0 else range(depth)  # with equal similarities any of them may be nearest
    assert list_kept_pairs(collector) >= {(query, 4 + i) for query in range(len(signs)) for i in nearest}
    assert not len(collector.find_overflowed())


@pytest.mark.parametrize("blocks", ["same_block", "next_block"])
def test_a_product_at_the_bound_is_kept_and_none_below(blocks):
    queries, gallery = make_query_and_gallery(8, 16, torch.float32)
    collector, allowed = make_collector(queries, gallery, 8, 2), product_error_bound(queries, gallery)
    products = torch.full((8, 16), -1.0)
    products[:, 0], products[:, 1] = 0.75, 0.5  # the second is the depth-th largest
    collector.add(products[:, :8].contiguous(), slice(0, 8))
    least = collector.least.clone()
    exact = 0.5 - 2 * allowed - 2.02 * 2**-24 * (0.5 + allowed)
    assert ((0.5 - least.double()) / (0.5 - exact)).sub(1.001).abs().max() < 0.01
    below = torch.nextafter(least, torch.full_like(least, -torch.inf))
    products[:, 8], products[:, 9] = least, below
    if blocks == "same_block":
        collector = make_collector(queries, gallery, 8, 2)
        collector.add(products, slice(0, 16))
    else:
        collector.add(products[:, 8:].contiguous(), slice(8, 16))
        assert torch.equal(collector.least, least)
    assert list_kept_pairs(collector) == {(query, other) for query in range(8) for other in (0, 1, 8)}


def test_an_overflowed_query_is_uncertified_and_padding_is_not(monkeypatch):
    monkeypatch.setattr(candidates, "MAX_PER_QUERY", 0)
    vectors = random_study.vectors(1, 6, width=32, n_copies=0)
    quantised = quantise(vectors, np.arange(6), device=CPU, precision=torch.float32)
    collector = Candidates(quantised, quantised, slice(0, 8), depth=1)
    collector.add(torch.full((8, 8), 0.5), slice(0, 8))
    assert not list_kept_pairs(collector) and collector.find_overflowed().tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("kth", [0.5, -0.25])
def test_the_bound_is_below_the_kth_by_twice_the_error_and_rounding(precision, kth):
    queries, gallery = make_query_and_gallery(8, 8, precision)
    products = torch.full((8, 8), -1.0, dtype=precision)
    products[:, 2] = kth
    collector = make_collector(queries, gallery, 8, 1)
    collector.add(products, slice(0, 8))
    assert collector.unit == UNIT[precision]
    allowed = 1.001 * product_error_bound(queries, gallery)
    below = 2 * allowed + 2.02 * UNIT[precision] * (abs(kth) + allowed)
    assert torch.allclose(
        kth - collector.least.double(), below, rtol=1e-2 if precision == torch.float32 else 1e-5
    )


def test_a_negative_bound_keeps_products_at_the_bound():
    queries, gallery = make_query_and_gallery(8, 16, torch.float32)
    collector = make_collector(queries, gallery, 8, 1)
    products = torch.full((8, 16), -0.9)
    products[:, 3] = -0.25
    collector.add(products[:, :8].contiguous(), slice(0, 8))
    products[:, 11], products[:, 12] = collector.least, collector.least - 1e-4
    collector.add(products[:, 8:].contiguous(), slice(8, 16))
    assert list_kept_pairs(collector) == {(query, other) for query in range(8) for other in (3, 11)}


def test_a_query_overflows_with_one_equal_product_too_many(monkeypatch):
    monkeypatch.setattr(candidates, "MAX_PER_QUERY", 4)
    queries, gallery = make_query_and_gallery(8, 16, torch.float32)
    products = torch.full((8, 16), -1.0)
    products[:, :8], products[0, 8] = 0.5, 0.5  # the first query has 9, the others 8: 4 times the depth and 4
    collector = make_collector(queries, gallery, 8, 1)
    collector.add(products, slice(0, 16))
    assert collector.least[0] == torch.inf
    assert list_kept_pairs(collector) == {(query, other) for query in range(1, 8) for other in range(8)}
    assert collector.find_overflowed().tolist() == [0] and collector.least[0] == torch.inf
    collector.add(products, slice(0, 16))  # an overflowed query accepts no more candidates
    assert {query for query, _ in list_kept_pairs(collector)} == set(range(1, 8)) - set(
        collector.find_overflowed().tolist()
    )


def test_equal_products_up_to_the_limit_are_kept():
    queries, gallery = make_query_and_gallery(8, 272, torch.float32)
    products = torch.full((8, 272), -1.0)
    products[0, :265], products[1, :264] = 0.5, 0.5  # 4 times the depth and 256, and one more
    products[2:, :2] = 0.5
    collector = make_collector(queries, gallery, 8, 2)
    collector.add(products, slice(0, 272))
    assert list_kept_pairs(collector) == {(1, j) for j in range(264)} | {
        (i, j) for i in range(2, 8) for j in (0, 1)
    }
    assert collector.find_overflowed().tolist() == [0]
    assert collector.least.isinf().tolist() == [True] + [False] * 7


@pytest.mark.parametrize("step", [8, 16, 32])
def test_each_block_raises_the_bound(step):
    queries, gallery = make_query_and_gallery(8, 32, torch.float32)
    products = torch.rand(8, 32, generator=torch.Generator().manual_seed(3))
    collector = make_collector(queries, gallery, 8, 3)
    for start in range(0, 32, step):
        collector.add(products[:, start : start + step].contiguous(), slice(start, start + step))
    nearest = products.topk(3, dim=1)
    assert list_kept_pairs(collector) == {(i, int(j)) for i, row in enumerate(nearest.indices) for j in row}
    assert torch.equal(collector.kth, nearest.values[:, 2]) and collector.n_kept == 24


def test_the_first_block_sets_a_bound_before_any_pruning(monkeypatch):
    monkeypatch.setattr(Candidates, "_prune", lambda self: None)
    queries, gallery = make_query_and_gallery(8, 16, torch.float32)
    products = torch.full((8, 16), -1.0)
    products[:, 0], products[:, 1], products[:, 9:11] = 0.75, 0.5, 0.9
    collector = make_collector(queries, gallery, 8, 2)
    collector.add(products[:, :8].contiguous(), slice(0, 8))
    assert (collector.kth == 0.5).all() and len(collector.parts[0][0]) == 16
    collector.add(products[:, 8:].contiguous(), slice(8, 16))
    assert (collector.kth == 0.5).all() and len(collector.parts[1][0]) == 16


@pytest.mark.parametrize(("n_others", "bound"), [(64, 0.25), (56, 0.5)])
def test_the_first_bound_is_the_kth_largest_group_maximum(monkeypatch, n_others, bound):
    """64 others are 4 groups for each of 2 neighbours; the two largest are of one group."""
    monkeypatch.setattr(Candidates, "_prune", lambda self: None)
    queries, gallery = make_query_and_gallery(8, n_others, torch.float32)
    products = torch.full((8, n_others), -1.0)
    n_groups = n_others // 8
    products[:, 0], products[:, n_groups], products[:, 3] = 0.75, 0.5, 0.25
    collector = make_collector(queries, gallery, 8, 2)
    collector.add(products, slice(0, n_others))
    assert (collector.kth == bound).all()


def test_a_bound_needs_as_many_others_as_neighbours(monkeypatch):
    queries, gallery = make_query_and_gallery(8, 16, torch.float32)
    products = torch.rand(8, 16, generator=torch.Generator().manual_seed(1))
    for depth, n_kept in ((17, 16), (16, 16), (9, 9)):
        collector = make_collector(queries, gallery, 8, depth)
        collector.add(products[:, :8].contiguous(), slice(0, 8))
        assert collector.n_kept == 64
        assert (collector.kth == -torch.inf).all()
        collector.add(products[:, 8:].contiguous(), slice(8, 16))
        assert len(list_kept_pairs(collector)) == 8 * n_kept
        assert depth == 17 or torch.equal(collector.kth, products.topk(depth, dim=1).values[:, -1])
    collector = make_collector(queries, gallery, 8, 8)  # exactly as many as the first block has
    monkeypatch.setattr(Candidates, "_prune", lambda self: None)
    collector.add(products[:, :8].contiguous(), slice(0, 8))
    assert torch.equal(collector.kth, products[:, :8].amin(dim=1))


def test_candidates_are_pruned_after_doubling_plus_1024(monkeypatch):
    """The first block is pruned at once and keeps 512; the next limit, 2048, is passed at 2560."""
    counts, prune = [], Candidates._prune
    monkeypatch.setattr(Candidates, "_prune", lambda self: (counts.append(self.n_kept), prune(self)))
    queries, gallery = make_query_and_gallery(8, 64 * 14, torch.float32)
    collector = make_collector(queries, gallery, 8, 1000)
    for start in range(0, 64 * 14, 64):
        collector.add(torch.full((8, 64), 0.5), slice(start, start + 64))
    assert counts == [512, 2560, 6656]
    assert len(list_kept_pairs(collector)) == 8 * 64 * 14


@pytest.mark.parametrize("blocks", [[slice(0, 16)], [slice(0, 8), slice(8, 16)]])
def test_queries_find_neither_their_own_code_nor_padding(blocks):
    vectors = random_study.vectors(1, 11, width=32, n_copies=0)
    codes = np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8])
    quantised = quantise(vectors, codes, device=CPU, precision=torch.float32)
    products = quantised.fast @ quantised.fast.T
    products[:, 11:] = 5.0  # padding: as images they would be nearest
    collector = Candidates(quantised, quantised, slice(0, 16), depth=16)
    for others in blocks:
        collector.add(products[:, others].contiguous(), others)
    assert list_kept_pairs(collector) == {
        (i, j) for i in range(11) for j in range(11) if codes[i] != codes[j]
    }
    first = Candidates(quantised, quantised, slice(0, 16), depth=2)
    first.add(products, slice(0, 16))
    allowed = products[:11, :11].masked_fill(torch.tensor(codes[:, None] == codes), -torch.inf)
    assert torch.equal(first.kth[:11], allowed.topk(2, dim=1).values[:, 1])
    assert not len(first.find_overflowed())


def test_a_transposed_block_keeps_the_same_pairs():
    queries, gallery = make_query_and_gallery(8, 16, torch.float32)
    products = torch.rand(16, 8, generator=torch.Generator().manual_seed(2))
    collectors = {}
    for name, table in (("transpose", products.T), ("own", products.T.contiguous())):
        collectors[name] = make_collector(queries, gallery, 8, 3)
        collectors[name].add(table, slice(0, 16))
    assert list_kept_pairs(collectors["transpose"]) == list_kept_pairs(collectors["own"])
    nearest = products.T.topk(3, dim=1).indices
    assert list_kept_pairs(collectors["own"]) == {(i, int(j)) for i, row in enumerate(nearest) for j in row}


def test_a_group_of_negative_products_above_the_bound_is_kept():
    queries, gallery = make_query_and_gallery(8, 16, torch.float32)
    collector = make_collector(queries, gallery, 8, 9)
    collector.add(torch.full((8, 8), -0.5), slice(0, 8))
    collector.kth.fill_(-0.25)
    collector._raise_bound(collector.kth)
    collector.add(torch.full((8, 8), -0.125), slice(8, 16))
    assert list_kept_pairs(collector) == {(query, other) for query in range(8) for other in range(8, 16)}


def test_keys_order_by_query_and_from_large_to_small():
    numbers = [3e38, 1.0, np.nextafter(np.float32(1), np.float32(0)), 1e-40, 0.0, -1e-40]
    numbers += [
        np.nextafter(np.float32(-1), np.float32(0)),
        -1.0,
        -np.nextafter(np.float32(1), np.float32(2)),
    ]
    numbers += [-3e38, -np.inf]
    query = torch.arange(3).repeat_interleave(len(numbers))
    keys = candidates._make_sort_key(query, torch.tensor(numbers, dtype=torch.float32).repeat(3))
    assert (keys.diff() > 0).all()


def make_badly_rounded_gallery():
    """A query and two others, of which bfloat16 rounds the nearer (row 1) down and the farther up."""
    half, tiny = ULP / 2, 2.0**-22
    query = [1.0] * 8 + [1 / 8, 1 / 8]
    farther = [1 + half + tiny] * 8 + [-64, 0]
    nearer = [1 + half - tiny] * 8 + [-64, 2.0**-14]
    return query, [farther, nearer]


def make_badly_rounded_query():
    """A query that bfloat16 rounds away from the nearer (row 1) and towards its opposite."""
    query = [1 + ULP / 2 - 2.0**-22] * 8 + [64, 1]
    nearer = np.array([1.0] * 8 + [-1 / 8, 2.0**-12 - 2.0**-5])
    return query, [-nearer, nearer]


@pytest.mark.parametrize("make_case", [make_badly_rounded_gallery, make_badly_rounded_query])
def test_products_in_the_wrong_order_still_find_the_nearest(monkeypatch, make_case):
    query, others = (np.array(rows, dtype=np.float32) for rows in make_case())
    query = query[None]
    true = others.astype(float) @ query[0]
    fast = (torch.from_numpy(others).bfloat16() @ torch.from_numpy(query[0]).bfloat16()).double()
    settings = {"device": CPU, "precision": torch.bfloat16}
    queries, gallery = (
        quantise(query, np.array([0]), **settings),
        quantise(others, np.array([1, 2]), **settings),
    )
    assert true[1] > true[0] and fast[0] - fast[1] > 0.98 * 2 * product_error_bound(queries, gallery)[0]
    monkeypatch.setattr(exact_knn, "fast_precision", lambda device: torch.bfloat16)
    [(_, indices, similar)] = exact_knn.knn(query, np.array([0]), others, np.array([1, 2]), depth=1)
    assert indices.tolist() == [[1]] and similar[0, 0] == pytest.approx(true[1], rel=1e-12)


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
def test_the_error_is_the_sum_of_its_terms(precision):
    queries, gallery = make_query_and_gallery(8, 8, precision, width=3)
    lengths = queries.exact.double().norm(dim=1)
    residuals = [
        (vectors.exact.double() - vectors.fast.double()).norm(dim=1) for vectors in (queries, gallery)
    ]
    longest, roughest = gallery.exact.double().norm(dim=1).max(), residuals[1].max()
    unit = 3 * 2.0**-23
    expected = residuals[0] * longest + (lengths + residuals[0]) * roughest
    expected += unit / (1 - unit) * (lengths + residuals[0]) * (longest + roughest) + 4 * 2.0**-126
    assert torch.allclose(product_error_bound(queries, gallery), expected, rtol=1e-12, atol=0)


def test_the_error_covers_underflow():
    tiny = np.float32(1e-30) * random_study.vectors(3, 8, width=3, n_copies=0)
    small = quantise(tiny, np.arange(8), device=CPU, precision=torch.float32)
    assert (product_error_bound(small, small) >= 4 * 2.0**-126).all()
    assert (product_error_bound(small, small) < 4.01 * 2.0**-126).all()
