"""The certificate: whatever the allowed errors do to fast products, the true nearest are kept."""

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


def sets(n_queries, n_others, precision, width=32):
    """Copies of one query, and a gallery that it may find all of."""
    query = np.tile(random_study.vectors(1, 1, width=width, n_copies=0), (n_queries, 1))
    others = random_study.vectors(2, n_others, width=width, n_copies=0)
    made = {"device": CPU, "precision": precision}
    asking = quantise(query, np.full(n_queries, n_others), **made)
    return asking, quantise(others, np.arange(n_others), **made)


def collected(queries, gallery, n_queries, depth):
    return Candidates(queries, gallery, slice(0, n_queries), depth=depth)


def kept_by(found):
    """The kept pairs: (query, other)."""
    return set(zip(*(column.tolist() for column in found.find_certified_pairs()), strict=True))


def at_least(values, dtype):
    """The smallest numbers of a precision that are not less than the values (float64)."""
    near = values.to(dtype)
    up = torch.nextafter(near, torch.full_like(near, torch.inf))
    return torch.where(near.double() < values, up, near)


def swayed(similarities, errors, dtype):
    """The lowest and the highest products that similarities may have: (n, 2).

    A product is first wrong by the error, and then, in bfloat16, by its own rounding.
    """
    unit = UNIT[dtype] if dtype == torch.bfloat16 else 0.0
    low, high = similarities - errors, similarities + errors
    low, high = low - unit * low.abs(), high + unit * high.abs()
    return torch.stack([at_least(low, dtype), -at_least(-high, dtype)], dim=1)


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("step", [0, 1 / 64, 1 / 2])
@pytest.mark.parametrize("centre", [-0.3, 0.0, 0.5, 0.999])
def test_any_allowed_error_keeps_the_true_nearest(precision, depth, step, centre):
    signs = torch.tensor(list(product([0, 1], repeat=8)))  # every way to sway eight products
    queries, gallery = sets(len(signs), 16, precision)
    allowed = product_error_bound(queries, gallery)[0]
    true = centre - step * allowed * torch.arange(8, dtype=torch.float64)  # the nearest first
    contested = swayed(true, allowed, precision)[torch.arange(8), signs]
    products = torch.full((len(signs), 16), -1.0, dtype=precision)
    products[:, 4:12] = contested  # half of them in each block
    found = collected(queries, gallery, len(signs), depth)
    for others in (slice(0, 8), slice(8, 16)):
        found.add(products[:, others].contiguous(), others)
    nearest = range(8) if step == 0 else range(depth)  # any of equal ones may be among the nearest
    assert kept_by(found) >= {(query, 4 + i) for query in range(len(signs)) for i in nearest}
    assert not len(found.find_overflowed())


@pytest.mark.parametrize("blocks", ["together", "after"])
def test_a_product_at_the_bound_is_kept_and_none_below(blocks):
    queries, gallery = sets(8, 16, torch.float32)
    found, allowed = collected(queries, gallery, 8, 2), product_error_bound(queries, gallery)
    products = torch.full((8, 16), -1.0)
    products[:, 0], products[:, 1] = 0.75, 0.5  # the second is the depth-th largest
    found.add(products[:, :8].contiguous(), slice(0, 8))
    least = found.least.clone()
    exact = 0.5 - 2 * allowed - 2.02 * 2**-24 * (0.5 + allowed)
    assert ((0.5 - least.double()) / (0.5 - exact)).sub(1.001).abs().max() < 0.01
    below = torch.nextafter(least, torch.full_like(least, -torch.inf))
    products[:, 8], products[:, 9] = least, below
    if blocks == "together":
        found = collected(queries, gallery, 8, 2)
        found.add(products, slice(0, 16))
    else:
        found.add(products[:, 8:].contiguous(), slice(8, 16))
        assert torch.equal(found.least, least)
    assert kept_by(found) == {(query, other) for query in range(8) for other in (0, 1, 8)}


def test_an_overflowed_query_is_uncertified_and_padding_is_not(monkeypatch):
    monkeypatch.setattr(candidates, "MAX_PER_QUERY", 0)
    vectors = random_study.vectors(1, 6, width=32, n_copies=0)
    everyone = quantise(vectors, np.arange(6), device=CPU, precision=torch.float32)
    found = Candidates(everyone, everyone, slice(0, 8), depth=1)
    found.add(torch.full((8, 8), 0.5), slice(0, 8))
    assert not kept_by(found) and found.find_overflowed().tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("kth", [0.5, -0.25])
def test_the_bound_is_below_the_kth_by_twice_the_error_and_rounding(precision, kth):
    queries, gallery = sets(8, 8, precision)
    products = torch.full((8, 8), -1.0, dtype=precision)
    products[:, 2] = kth
    found = collected(queries, gallery, 8, 1)
    found.add(products, slice(0, 8))
    assert found.unit == UNIT[precision]
    allowed = 1.001 * product_error_bound(queries, gallery)
    below = 2 * allowed + 2.02 * UNIT[precision] * (abs(kth) + allowed)
    assert torch.allclose(
        kth - found.least.double(), below, rtol=1e-2 if precision == torch.float32 else 1e-5
    )


def test_a_bound_below_zero_keeps_what_reaches_it():
    queries, gallery = sets(8, 16, torch.float32)
    found = collected(queries, gallery, 8, 1)
    products = torch.full((8, 16), -0.9)
    products[:, 3] = -0.25
    found.add(products[:, :8].contiguous(), slice(0, 8))
    products[:, 11], products[:, 12] = found.least, found.least - 1e-4
    found.add(products[:, 8:].contiguous(), slice(8, 16))
    assert kept_by(found) == {(query, other) for query in range(8) for other in (3, 11)}


def test_many_alike_are_crowded_out_and_one_fewer_is_not(monkeypatch):
    monkeypatch.setattr(candidates, "MAX_PER_QUERY", 4)
    queries, gallery = sets(8, 16, torch.float32)
    products = torch.full((8, 16), -1.0)
    products[:, :8], products[0, 8] = 0.5, 0.5  # the first query has 9, the others 8: 4 times the depth and 4
    found = collected(queries, gallery, 8, 1)
    found.add(products, slice(0, 16))
    assert found.least[0] == torch.inf
    assert kept_by(found) == {(query, other) for query in range(1, 8) for other in range(8)}
    assert found.find_overflowed().tolist() == [0] and found.least[0] == torch.inf
    found.add(products, slice(0, 16))  # it takes no more of a query that is crowded out
    assert {query for query, _ in kept_by(found)} == set(range(1, 8)) - set(found.find_overflowed().tolist())


def test_as_many_alike_as_are_sorted_out_fast_are_kept():
    queries, gallery = sets(8, 272, torch.float32)
    products = torch.full((8, 272), -1.0)
    products[0, :265], products[1, :264] = 0.5, 0.5  # 4 times the depth and 256, and one more
    products[2:, :2] = 0.5
    found = collected(queries, gallery, 8, 2)
    found.add(products, slice(0, 272))
    assert kept_by(found) == {(1, j) for j in range(264)} | {(i, j) for i in range(2, 8) for j in (0, 1)}
    assert found.find_overflowed().tolist() == [0]
    assert found.least.isinf().tolist() == [True] + [False] * 7


@pytest.mark.parametrize("step", [8, 16, 32])
def test_each_block_raises_the_bound(step):
    queries, gallery = sets(8, 32, torch.float32)
    products = torch.rand(8, 32, generator=torch.Generator().manual_seed(3))
    found = collected(queries, gallery, 8, 3)
    for start in range(0, 32, step):
        found.add(products[:, start : start + step].contiguous(), slice(start, start + step))
    nearest = products.topk(3, dim=1)
    assert kept_by(found) == {(i, int(j)) for i, row in enumerate(nearest.indices) for j in row}
    assert torch.equal(found.kth, nearest.values[:, 2]) and found.n_kept == 24


def test_the_first_block_alone_sets_a_first_bound(monkeypatch):
    monkeypatch.setattr(Candidates, "_prune", lambda self: None)
    queries, gallery = sets(8, 16, torch.float32)
    products = torch.full((8, 16), -1.0)
    products[:, 0], products[:, 1], products[:, 9:11] = 0.75, 0.5, 0.9
    found = collected(queries, gallery, 8, 2)
    found.add(products[:, :8].contiguous(), slice(0, 8))
    assert (found.kth == 0.5).all() and len(found.parts[0][0]) == 16
    found.add(products[:, 8:].contiguous(), slice(8, 16))
    assert (found.kth == 0.5).all() and len(found.parts[1][0]) == 16


@pytest.mark.parametrize(("n_others", "bound"), [(64, 0.25), (56, 0.5)])
def test_of_many_the_first_bound_is_that_of_the_largest_of_groups(monkeypatch, n_others, bound):
    """64 others are 4 groups for each of 2 neighbours; the two largest are of one group."""
    monkeypatch.setattr(Candidates, "_prune", lambda self: None)
    queries, gallery = sets(8, n_others, torch.float32)
    products = torch.full((8, n_others), -1.0)
    n_groups = n_others // 8
    products[:, 0], products[:, n_groups], products[:, 3] = 0.75, 0.5, 0.25
    found = collected(queries, gallery, 8, 2)
    found.add(products, slice(0, n_others))
    assert (found.kth == bound).all()


def test_a_bound_needs_as_many_others_as_neighbours(monkeypatch):
    queries, gallery = sets(8, 16, torch.float32)
    products = torch.rand(8, 16, generator=torch.Generator().manual_seed(1))
    for depth, n_kept in ((17, 16), (16, 16), (9, 9)):
        found = collected(queries, gallery, 8, depth)
        found.add(products[:, :8].contiguous(), slice(0, 8))
        assert found.n_kept == 64
        assert (found.kth == -torch.inf).all()
        found.add(products[:, 8:].contiguous(), slice(8, 16))
        assert len(kept_by(found)) == 8 * n_kept
        assert depth == 17 or torch.equal(found.kth, products.topk(depth, dim=1).values[:, -1])
    found = collected(queries, gallery, 8, 8)  # exactly as many as the first block has
    monkeypatch.setattr(Candidates, "_prune", lambda self: None)
    found.add(products[:, :8].contiguous(), slice(0, 8))
    assert torch.equal(found.kth, products[:, :8].amin(dim=1))


def test_what_is_kept_is_pruned_when_it_has_doubled_and_1024_more(monkeypatch):
    """The first block is pruned at once; 512 of each are kept, so 2 times 512 and 1024 are passed at 2560."""
    pruned, prune = [], Candidates._prune
    monkeypatch.setattr(Candidates, "_prune", lambda self: (pruned.append(self.n_kept), prune(self)))
    queries, gallery = sets(8, 64 * 14, torch.float32)
    found = collected(queries, gallery, 8, 1000)
    for start in range(0, 64 * 14, 64):
        found.add(torch.full((8, 64), 0.5), slice(start, start + 64))
    assert pruned == [512, 2560, 6656]
    assert len(kept_by(found)) == 8 * 64 * 14


@pytest.mark.parametrize("blocks", [[slice(0, 16)], [slice(0, 8), slice(8, 16)]])
def test_nobody_finds_its_own_code_and_nobody_what_fills_up(blocks):
    vectors = random_study.vectors(1, 11, width=32, n_copies=0)
    codes = np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8])
    everyone = quantise(vectors, codes, device=CPU, precision=torch.float32)
    products = everyone.fast @ everyone.fast.T
    products[:, 11:] = 5.0  # were these somebody, they would be nearest
    found = Candidates(everyone, everyone, slice(0, 16), depth=16)
    for others in blocks:
        found.add(products[:, others].contiguous(), others)
    assert kept_by(found) == {(i, j) for i in range(11) for j in range(11) if codes[i] != codes[j]}
    first = Candidates(everyone, everyone, slice(0, 16), depth=2)
    first.add(products, slice(0, 16))
    wanted = products[:11, :11].masked_fill(torch.tensor(codes[:, None] == codes), -torch.inf)
    assert torch.equal(first.kth[:11], wanted.topk(2, dim=1).values[:, 1])
    assert not len(first.find_overflowed())


def test_a_transpose_is_looked_at_as_what_it_is():
    queries, gallery = sets(8, 16, torch.float32)
    products = torch.rand(16, 8, generator=torch.Generator().manual_seed(2))
    found = {}
    for name, table in (("transpose", products.T), ("own", products.T.contiguous())):
        found[name] = collected(queries, gallery, 8, 3)
        found[name].add(table, slice(0, 16))
    assert kept_by(found["transpose"]) == kept_by(found["own"])
    nearest = products.T.topk(3, dim=1).indices
    assert kept_by(found["own"]) == {(i, int(j)) for i, row in enumerate(nearest) for j in row}


def test_below_zero_a_group_of_smaller_numbers_is_kept():
    queries, gallery = sets(8, 16, torch.float32)
    found = collected(queries, gallery, 8, 9)
    found.add(torch.full((8, 8), -0.5), slice(0, 8))
    found.kth.fill_(-0.25)
    found._raise_bound(found.kth)
    found.add(torch.full((8, 8), -0.125), slice(8, 16))
    assert kept_by(found) == {(query, other) for query in range(8) for other in range(8, 16)}


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


def gallery_rounded_apart():
    """A query and two others, of which bfloat16 rounds the nearer (row 1) down and the farther up."""
    half, tiny = ULP / 2, 2.0**-22
    query = [1.0] * 8 + [1 / 8, 1 / 8]
    farther = [1 + half + tiny] * 8 + [-64, 0]
    nearer = [1 + half - tiny] * 8 + [-64, 2.0**-14]
    return query, [farther, nearer]


def query_rounded_away():
    """A query that bfloat16 rounds away from the nearer (row 1) and towards its opposite."""
    query = [1 + ULP / 2 - 2.0**-22] * 8 + [64, 1]
    nearer = np.array([1.0] * 8 + [-1 / 8, 2.0**-12 - 2.0**-5])
    return query, [-nearer, nearer]


@pytest.mark.parametrize("made", [gallery_rounded_apart, query_rounded_away])
def test_products_in_the_wrong_order_still_find_the_nearest(monkeypatch, made):
    query, others = (np.array(rows, dtype=np.float32) for rows in made())
    query = query[None]
    true = others.astype(float) @ query[0]
    fast = (torch.from_numpy(others).bfloat16() @ torch.from_numpy(query[0]).bfloat16()).double()
    kinds = {"device": CPU, "precision": torch.bfloat16}
    asking, asked = quantise(query, np.array([0]), **kinds), quantise(others, np.array([1, 2]), **kinds)
    assert true[1] > true[0] and fast[0] - fast[1] > 0.98 * 2 * product_error_bound(asking, asked)[0]
    monkeypatch.setattr(exact_knn, "fast_precision", lambda device: torch.bfloat16)
    [(_, indices, similar)] = exact_knn.knn(query, np.array([0]), others, np.array([1, 2]), depth=1)
    assert indices.tolist() == [[1]] and similar[0, 0] == pytest.approx(true[1], rel=1e-12)


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
def test_the_error_is_the_sum_of_its_terms(precision):
    queries, gallery = sets(8, 8, precision, width=3)
    lengths = queries.exact.double().norm(dim=1)
    residuals = [(one.exact.double() - one.fast.double()).norm(dim=1) for one in (queries, gallery)]
    longest, roughest = gallery.exact.double().norm(dim=1).max(), residuals[1].max()
    unit = 3 * 2.0**-23
    wanted = residuals[0] * longest + (lengths + residuals[0]) * roughest
    wanted += unit / (1 - unit) * (lengths + residuals[0]) * (longest + roughest) + 4 * 2.0**-126
    assert torch.allclose(product_error_bound(queries, gallery), wanted, rtol=1e-12, atol=0)


def test_the_error_covers_what_underflows():
    tiny = np.float32(1e-30) * random_study.vectors(3, 8, width=3, n_copies=0)
    small = quantise(tiny, np.arange(8), device=CPU, precision=torch.float32)
    assert (product_error_bound(small, small) >= 4 * 2.0**-126).all()
    assert (product_error_bound(small, small) < 4.01 * 2.0**-126).all()
