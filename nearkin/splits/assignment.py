"""The lot: which species are held out, and on which side every group of the others falls.

It is drawn by hashing the seed with a name, so neither the order of the rows nor a
library's random generator has a say in it.
"""

import hashlib
import logging

import numpy as np
import polars as pl

logger = logging.getLogger(__name__)

SPLITS = ("test", "val", "train")  # who chooses first when two are equally short
TEST, VAL, TRAIN = range(3)
HASH_CHUNK = 2**16
"""Names hashed at once, so that memory stays bounded."""


def random_keys(seed, names):
    """A number for every name of a Series, uint64; the smallest is the first to be dealt.

    >>> random_keys(1, pl.Series(["a", "b"])).tolist()
    [12208100300184014999, 16053129696313530302]
    """
    numbers = np.empty(len(names), dtype=np.uint64)
    for start in range(0, len(names), HASH_CHUNK):
        part = names[start : start + HASH_CHUNK]
        digests = (hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest() for name in part)
        numbers[start : start + len(part)] = np.frombuffer(b"".join(digests), dtype=">u8")
    return numbers


def choose_held_out(species, *, share, by):
    """The codes of the species that are held out beside those that are already, as a Series.

    `species` has a row per species: its code `species`, `category`, `genus`, the drawn
    `number`, and whether it is `able` to be held out or `unseen` already. The share is
    taken of each category's species: the first by lot or, with `by` = "genus", spread
    evenly over its genera, of which each keeps a species that is not held out.
    """
    found = [pl.Series(dtype=species.schema["species"])]
    for (category,), mine in species.group_by("category", maintain_order=True):
        wanted = max(0, round(share * len(mine)) - mine["unseen"].sum())
        able = mine.filter("able").sort("number", "species")
        if by == "genus":
            able = _genus_by_genus(able, mine)
        if wanted > len(able):
            logger.warning("too few species can be held out: %d of %d in %s", len(able), wanted, category)
        n = min(wanted, len(able))
        places = np.arange(n) * len(able) // n if by == "genus" and n else np.arange(n)
        found.append(able["species"].gather(places))
    return pl.concat(found)


def _genus_by_genus(able, species):
    """The rows of `able`, one genus after the other by lot, without one species of each that is all able."""
    counts = species.group_by("genus").agg(spare=pl.len().cast(pl.Int64) - pl.col("unseen").sum() - 1)
    able = able.join(counts, on="genus", how="left", maintain_order="left")
    able = able.filter(pl.int_range(pl.len()).over("genus") < pl.col("spare"))
    return able.sort(pl.col("number").min().over("genus"), "genus", "number", "species")


def assign_splits(groups, taken, *, shares, min_test_groups):
    """The side of each row of `groups`, as an index into SIDES; -1 where its species has too few.

    `groups` has a row per group: the code of its `species`, `n_images` and the drawn
    `number`. `taken` holds what each species has on its sides already: `images` and
    `groups`, (n_species, 3) by SIDES. Groups go one by one to the side that lacks most of
    its share of the species' images, the first to what a query needs to be reachable:
    `min_test_groups` groups of test and one of train.
    """
    sides = np.full(len(groups), -1, dtype=np.int8)
    for species, rows, sizes in _by_species(groups):
        images, n_groups = taken["images"][species], taken["groups"][species]
        n_test = max(0, min_test_groups - int(n_groups[TEST]))
        n_train = int(n_groups[TRAIN] == 0)
        if len(sizes) >= n_test + n_train:
            total = sum(sizes) + int(images.sum())
            lacking = [shares[side] * total - int(n) for side, n in zip(SPLITS, images, strict=True)]
            sides[rows] = _one_by_one(sizes, lacking, n_test=n_test, n_train=n_train)
    return sides


def assign_folds(groups, *, shares, folds, fold, min_test_groups):
    """The same for cross-validation: each group is in one of so many `folds`, and `fold` (from 1) is test.

    A species' groups fill the folds evenly, each with `min_test_groups` or more; train and
    val share what is not in `fold`, in the ratio of their shares. Which fold gets the odd
    group goes by the lot.
    """
    sides = np.full(len(groups), -1, dtype=np.int8)
    val = shares["val"] / (shares["val"] + shares["train"])
    numbers = groups["number"].to_numpy()
    for _, rows, sizes in _by_species(groups):
        if len(sizes) >= folds * min_test_groups:
            turned = int(numbers[rows[0]]) % folds
            tested = (np.array(_fill(sizes, folds, min_test_groups)) + turned) % folds == fold - 1
            rest = [size for size, out in zip(sizes, tested, strict=True) if not out]
            lacking = [-np.inf, val * sum(rest), (1 - val) * sum(rest)]
            sides[rows[tested]] = TEST
            sides[rows[~tested]] = _one_by_one(rest, lacking, n_test=0, n_train=1)
    return sides


def _by_species(groups):
    """Yields (species, rows, sizes) of each species' groups in the order of their lot."""
    species = groups["species"].cast(pl.Int64).to_numpy()
    order = np.lexsort((groups["number"].to_numpy(), species))  # equal ones as they stand
    bounds = np.flatnonzero(np.diff(species[order], prepend=-1, append=-1)).tolist()
    sizes = groups["n_images"].to_numpy()[order].tolist()
    for start, end in zip(bounds, bounds[1:], strict=False):
        yield int(species[order[start]]), order[start:end], sizes[start:end]


def _one_by_one(sizes, lacking, *, n_test, n_train):
    """The sides of groups of these sizes, in order; `lacking` images by SIDES, most lacking first served."""
    test, val, train = lacking
    sides = []
    for i, size in enumerate(sizes):
        if i < n_test + n_train:
            side = TEST if i < n_test else TRAIN
        elif test >= val and test >= train:
            side = TEST
        else:
            side = VAL if val >= train else TRAIN
        sides.append(side)
        if side == TEST:
            test -= size
        elif side == VAL:
            val -= size
        else:
            train -= size
    return sides


def _fill(sizes, folds, n_each):
    """The fold of each group: in turn until each has `n_each`, then the one with the fewest images."""
    filled, found = [0] * folds, []
    for i, size in enumerate(sizes):
        fold = i % folds if i < folds * n_each else filled.index(min(filled))
        filled[fold] += size
        found.append(fold)
    return found
