"""The images that can be among a query's nearest, found by fast products whose error is bounded.

Of the products seen so far let L be a query's depth-th largest. That many images are at least
as similar as L less the error, so an image belongs to the nearest only if its product is not
lower than L less twice the error. All such images are kept: no other can be among the nearest.
That is the certificate; it fails only for a query for which too many are kept.
"""

from functools import reduce
from threading import Lock

import torch

from nearkin.search.error_bounds import GROUP, UNIT, QuantisedVectors, product_error_bound

MAX_PER_QUERY = 256  # kept beyond 4 times the depth: more are compared faster in full precision


class Candidates:
    """The candidates of a block of queries, collected from products with block after block of a gallery.

    `block` is the slice of the queries. Several threads may add products.
    """

    def __init__(
        self, queries: QuantisedVectors, gallery: QuantisedVectors, block: slice, *, depth: int
    ) -> None:
        self.block, self.depth = block, depth
        self.codes, self.gallery_codes = queries.codes[block], gallery.codes
        self.unit = UNIT[queries.fast.dtype]
        self.error = (
            1.001 * product_error_bound(queries.of(block), gallery).float()
        )  # 1.001: if that rounds down
        self.kth = torch.full_like(self.error, -torch.inf)  # the depth-th largest product so far, or less
        self.is_overflowed = self.codes < 0  # too many kept; padding rows keep nothing from the start
        self._raise_bound(self.kth)
        self.parts: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []  # query, other, product
        self.n_kept, self.n_allowed = 0, 0
        self.has_started, self.lock = False, Lock()

    def add(self, products: torch.Tensor, others: slice) -> None:
        """Keep the candidates among the products (n_queries, n_others) with the gallery's rows `others`.

        `products` is contiguous, or the transpose of a contiguous tensor.
        """
        codes = self.gallery_codes[others]
        with self.lock:
            if not self.has_started:
                self._set_first_bound(products, codes)
        query, other, product = _find_not_less(products, self.least)
        code = codes[other]
        is_allowed = (code != self.codes[query]) & (code >= 0)
        if not is_allowed.all():
            query, other, product = query[is_allowed], other[is_allowed], product[is_allowed]
        with self.lock:
            self.parts.append((query.int(), (others.start + other).int(), product))
            self.n_kept += len(query)
            if self.n_kept > self.n_allowed:
                self._prune()
                self.n_allowed = 2 * self.n_kept + 1024

    def find_certified_pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The pairs that are left: row in the block and in the gallery; none of an overflowed query."""
        self._prune()
        query, other, _ = self.parts[0]
        return query.long(), other.long()

    def find_overflowed(self) -> torch.Tensor:
        """The rows, in the block, of the queries with too many candidates."""
        return torch.nonzero(self.is_overflowed & (self.codes >= 0))[:, 0]

    def _set_first_bound(self, products: torch.Tensor, codes: torch.Tensor) -> None:
        """Raise the bound to the depth-th largest of the first block, or of the largest of its groups."""
        self.has_started = True
        if products.shape[1] < self.depth:
            return
        products = products.masked_fill((self.codes[:, None] == codes) | (codes < 0), -torch.inf)
        if products.shape[1] >= 4 * GROUP * self.depth:  # hardly lower then, and found faster
            products = reduce(torch.maximum, _split_groups(products))
        self._raise_bound(torch.topk(products, self.depth, dim=1, sorted=False).values.amin(dim=1).float())

    def _raise_bound(self, kth: torch.Tensor) -> None:
        self.kth = torch.maximum(self.kth, kth)
        rounding = 2.02 * self.unit * (self.kth.abs() + self.error)  # of the depth-th and of another product
        self.least = torch.where(self.is_overflowed, torch.inf, self.kth - 2 * self.error - rounding)

    def _prune(self) -> None:
        """Raise the bound to what is known by now, and drop the candidates below it."""
        query, other, product = (torch.cat(column) for column in zip(*self.parts, strict=True))
        order = torch.sort(_make_sort_key(query, product)).indices
        query, other, product = query[order], other[order], product[order]
        counts = torch.bincount(query, minlength=len(self.codes))
        is_full = counts >= self.depth
        last = (counts.cumsum(0) - counts + self.depth - 1)[is_full]
        kth = torch.full_like(self.kth, -torch.inf)
        kth[is_full] = product[last]
        self._raise_bound(kth)
        keep = product >= self.least[query]
        n_near = torch.bincount(query[keep], minlength=len(self.codes))
        self.is_overflowed |= n_near > 4 * self.depth + MAX_PER_QUERY
        self.least[self.is_overflowed] = torch.inf
        keep &= ~self.is_overflowed[query]
        self.parts = [(query[keep], other[keep], product[keep])]
        self.n_kept = len(self.parts[0][0])


def _find_not_less(
    products: torch.Tensor, least: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Query, other and value of the products that are not less than the query's `least`.

    The largest of every GROUP others is compared first. Numbers above zero are ordered as
    their bits are, and integers compare several times faster; below zero everything passes
    this first comparison.
    """
    n_queries, n_others = products.shape
    integer = torch.int16 if products.dtype == torch.bfloat16 else torch.int32
    n_groups = n_others // GROUP
    largest = reduce(
        torch.maximum, _split_groups(products.view(integer))
    )  # amax is far slower on a transpose
    bits = least.to(products.dtype).view(integer)  # rounding keeps the order of numbers
    bits = torch.where(least > 0, bits, torch.iinfo(integer).min)
    query, group = torch.nonzero(largest >= bits[:, None], as_tuple=True)
    member = torch.arange(GROUP, device=products.device)[:, None] * n_groups + group  # (GROUP, n_found)
    along_query, along_others = products.stride()
    span = 1 + (n_queries - 1) * along_query + (n_others - 1) * along_others
    flat = products.as_strided((span,), (1,))
    values = torch.take(flat, query * along_query + member * along_others).float()
    row, column = torch.nonzero(values >= least[query], as_tuple=True)
    return query[column], member[row, column], values[row, column]


def _split_groups(products: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The first, second, ... products of all groups: GROUP times (n_queries, n_groups)."""
    return products.unflatten(1, (GROUP, products.shape[1] // GROUP)).unbind(1)


def _make_sort_key(query: torch.Tensor, product: torch.Tensor) -> torch.Tensor:
    """Integers that sort by query, and from large to small products."""
    bits = product.view(torch.int32)
    rising = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return (query.long() << 32) - rising
