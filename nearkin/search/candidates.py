"""Who can be among a query's nearest, going by fast products whose error is bounded.

Of the products seen so far let L be a query's depth-th largest. That many images are at least
as similar as L less the error, so an image belongs to the nearest only if its product is not
lower than L less twice the error. All such are kept: nobody else can be among the nearest.
That is the certificate; it fails only for a query of which too many are kept.
"""

from functools import reduce
from threading import Lock

import torch

from nearkin.search.error_bounds import GROUP, UNIT, product_error_bound

MAX_PER_QUERY = 256  # kept beyond 4 times the depth: so many alike are sorted out faster in full precision


class Candidates:
    """The candidates of a block of queries, collected from products with block after block of a gallery.

    `queries` and `gallery` are `QuantisedVectors`, `block` the rows of the queries, as a slice. Several
    threads may add products.
    """

    def __init__(self, queries, gallery, block, *, depth):
        self.block, self.depth = block, depth
        self.codes, self.others_codes = queries.codes[block], gallery.codes
        self.unit = UNIT[queries.fast.dtype]
        self.error = (
            1.001 * product_error_bound(queries.of(block), gallery).float()
        )  # 1.001: if that rounds down
        self.kth = torch.full_like(self.error, -torch.inf)  # the depth-th largest product so far, or less
        self.crowded = self.codes < 0  # too many kept; rows that only fill up never begin
        self._raise(self.kth)
        self.parts, self.n_kept, self.n_allowed = [], 0, 0
        self.begun, self.lock = False, Lock()

    def add(self, products, others):
        """Keep what is of interest among the products (n_queries, n_others) with the gallery's rows `others`.

        `products` is contiguous, or the transpose of what is.
        """
        codes = self.others_codes[others]
        with self.lock:
            if not self.begun:
                self._begin(products, codes)
        query, other, product = _not_less(products, self.least)
        code = codes[other]
        seen = (code != self.codes[query]) & (code >= 0)
        if not seen.all():
            query, other, product = query[seen], other[seen], product[seen]
        with self.lock:
            self.parts.append((query.int(), (others.start + other).int(), product))
            self.n_kept += len(query)
            if self.n_kept > self.n_allowed:
                self._prune()
                self.n_allowed = 2 * self.n_kept + 1024

    def certified_pairs(self):
        """The pairs that are left: row in the block and in the gallery; none of a crowded query."""
        self._prune()
        query, other, _ = self.parts[0]
        return query.long(), other.long()

    def overflowed(self):
        """The rows, in the block, of the queries that were crowded out."""
        return torch.nonzero(self.crowded & (self.codes >= 0))[:, 0]

    def _begin(self, products, codes):
        """A first bound: the depth-th largest of the first block, or of the largest of its groups."""
        self.begun = True
        if products.shape[1] < self.depth:
            return
        products = products.masked_fill((self.codes[:, None] == codes) | (codes < 0), -torch.inf)
        if products.shape[1] >= 4 * GROUP * self.depth:  # hardly lower then, and found faster
            products = reduce(torch.maximum, _groups(products))
        self._raise(torch.topk(products, self.depth, dim=1, sorted=False).values.amin(dim=1).float())

    def _raise(self, kth):
        self.kth = torch.maximum(self.kth, kth)
        rounding = 2.02 * self.unit * (self.kth.abs() + self.error)  # of the depth-th and of another product
        self.least = torch.where(self.crowded, torch.inf, self.kth - 2 * self.error - rounding)

    def _prune(self):
        query, other, product = (torch.cat(column) for column in zip(*self.parts, strict=True))
        order = torch.sort(_key(query, product)).indices
        query, other, product = query[order], other[order], product[order]
        counts = torch.bincount(query, minlength=len(self.codes))
        full = counts >= self.depth
        last = (counts.cumsum(0) - counts + self.depth - 1)[full]
        kth = torch.full_like(self.kth, -torch.inf)
        kth[full] = product[last]
        self._raise(kth)
        keep = product >= self.least[query]
        n_near = torch.bincount(query[keep], minlength=len(self.codes))
        self.crowded |= n_near > 4 * self.depth + MAX_PER_QUERY
        self.least[self.crowded] = torch.inf
        keep &= ~self.crowded[query]
        self.parts = [(query[keep], other[keep], product[keep])]
        self.n_kept = len(self.parts[0][0])


def _not_less(products, least):
    """Query, other and value of the products that are not less than the query's `least`.

    The largest of every GROUP others is looked at first. Numbers above zero are ordered as
    their bits are, and integers compare several times faster; below zero everything passes
    this first look.
    """
    n_queries, n_others = products.shape
    whole = torch.int16 if products.dtype == torch.bfloat16 else torch.int32
    n_groups = n_others // GROUP
    largest = reduce(torch.maximum, _groups(products.view(whole)))  # amax is far slower on a transpose
    bits = least.to(products.dtype).view(whole)  # rounding keeps the order of numbers
    bits = torch.where(least > 0, bits, torch.iinfo(whole).min)
    query, group = torch.nonzero(largest >= bits[:, None], as_tuple=True)
    member = torch.arange(GROUP, device=products.device)[:, None] * n_groups + group  # (GROUP, n_found)
    along_query, along_others = products.stride()
    span = 1 + (n_queries - 1) * along_query + (n_others - 1) * along_others
    flat = products.as_strided((span,), (1,))
    values = torch.take(flat, query * along_query + member * along_others).float()
    place, found = torch.nonzero(values >= least[query], as_tuple=True)
    return query[found], member[place, found], values[place, found]


def _groups(products):
    """The first, second, ... products of all groups: GROUP times (n_queries, n_groups)."""
    return products.unflatten(1, (GROUP, products.shape[1] // GROUP)).unbind(1)


def _key(query, product):
    """Integers that order by query, and from large to small products."""
    bits = product.view(torch.int32)
    rising = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return (query.long() << 32) - rising
