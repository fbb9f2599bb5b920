"""Random assignment: which species are held out, and which split each group of the others goes to.

The random numbers are hashes of the seed with a name, so neither the order of the rows nor a
library's random generator matters.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

logger = logging.getLogger(__name__)

RANDOM_SPLITS = ("test", "val", "train")
"""The splits assigned at random; the first wins where two are equally short."""
TEST, VAL, TRAIN = range(3)
HASH_CHUNK = 2**16
"""Names hashed at once, so that memory stays bounded."""


def hash_names(seed: int, names: pl.Series) -> np.ndarray:
    """A number for every name of a Series, uint64; the smallest is assigned first.

    >>> hash_names(1, pl.Series(["a", "b"])).tolist()
    [12208100300184014999, 16053129696313530302]
    """
    numbers = np.empty(len(names), dtype=np.uint64)
    for start in range(0, len(names), HASH_CHUNK):
        part = names[start : start + HASH_CHUNK]
        digests = (hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest() for name in part)
        numbers[start : start + len(part)] = np.frombuffer(b"".join(digests), dtype=">u8")
    return numbers


def choose_held_out(species: pl.DataFrame, *, share: float, by: str) -> pl.Series:
    """The codes of the species to hold out in addition to those that are already, as a Series.

    `species` has a row per species: its code `species`, `category`, `genus`, a random
    `number`, and whether it is `able` to be held out or `unseen` already. The share is
    taken of each category's species: those with the smallest numbers or, with `by` = "genus", spread
    evenly over its genera, of which each keeps a species that is not held out.
    """
    chosen = [pl.Series(dtype=species.schema["species"])]
    for (category,), rows in species.group_by("category", maintain_order=True):
        n_missing = max(0, round(share * len(rows)) - int(rows["unseen"].sum()))
        able = rows.filter("able").sort("number", "species")
        if by == "genus":
            able = _sort_by_genus(able, rows)
        if n_missing > len(able):
            logger.warning("too few species can be held out: %d of %d in %s", len(able), n_missing, category)
        n = min(n_missing, len(able))
        positions = np.arange(n) * len(able) // n if by == "genus" and n else np.arange(n)
        chosen.append(able["species"].gather(positions))
    return pl.concat(chosen)


def _sort_by_genus(able: pl.DataFrame, species: pl.DataFrame) -> pl.DataFrame:
    """The rows of `able`, genus by genus in random order, less one species of each genus that is all able."""
    counts = species.group_by("genus").agg(spare=pl.len().cast(pl.Int64) - pl.col("unseen").sum() - 1)
    able = able.join(counts, on="genus", how="left", maintain_order="left")
    able = able.filter(pl.int_range(pl.len()).over("genus") < pl.col("spare"))
    return able.sort(pl.col("number").min().over("genus"), "genus", "number", "species")


def assign_splits(
    groups: pl.DataFrame,
    existing: Mapping[str, np.ndarray],
    *,
    shares: Mapping[str, float],
    min_test_groups: int,
) -> np.ndarray:
    """The split of each row of `groups`, as an index into RANDOM_SPLITS; -1 where its species has too few.

    `groups` has a row per group: the code of its `species`, `n_images` and a random
    `number`. `existing` holds what each species has in its splits already: `images` and
    `groups`, (n_species, 3) by RANDOM_SPLITS. Groups go one by one to the split that lacks most of
    its share of the species' images, the first ones to what makes a query reachable:
    `min_test_groups` groups of test and one of train.
    """
    splits = np.full(len(groups), -1, dtype=np.int8)
    for species, rows, sizes in _iter_species(groups):
        images, n_groups = existing["images"][species], existing["groups"][species]
        n_test = max(0, min_test_groups - int(n_groups[TEST]))
        n_train = int(n_groups[TRAIN] == 0)
        if len(sizes) >= n_test + n_train:
            total = sum(sizes) + int(images.sum())
            deficit = [shares[split] * total - int(n) for split, n in zip(RANDOM_SPLITS, images, strict=True)]
            splits[rows] = _assign_in_order(sizes, deficit, n_test=n_test, n_train=n_train)
    return splits


def assign_folds(
    groups: pl.DataFrame, *, shares: Mapping[str, float], folds: int, fold: int, min_test_groups: int
) -> np.ndarray:
    """The same for cross-validation: each group is in one of so many `folds`, and `fold` (from 1) is test.

    A species' groups fill the folds evenly, each with `min_test_groups` or more; train and
    val share what is not in `fold`, in the ratio of their shares. Which fold gets the odd
    group is random.
    """
    splits = np.full(len(groups), -1, dtype=np.int8)
    val = shares["val"] / (shares["val"] + shares["train"])
    numbers = groups["number"].to_numpy()
    for _, rows, sizes in _iter_species(groups):
        if len(sizes) >= folds * min_test_groups:
            offset = int(numbers[rows[0]]) % folds
            is_test = (np.array(_fill_folds(sizes, folds, min_test_groups)) + offset) % folds == fold - 1
            rest = [size for size, out in zip(sizes, is_test, strict=True) if not out]
            deficit = [-np.inf, val * sum(rest), (1 - val) * sum(rest)]
            splits[rows[is_test]] = TEST
            splits[rows[~is_test]] = _assign_in_order(rest, deficit, n_test=0, n_train=1)
    return splits


def _iter_species(groups: pl.DataFrame) -> Iterator[tuple[int, np.ndarray, list[int]]]:
    """Yields (species, rows, sizes) of each species' groups in the order of their random numbers."""
    species = groups["species"].cast(pl.Int64).to_numpy()
    order = np.lexsort((groups["number"].to_numpy(), species))  # equal ones keep their order
    bounds = np.flatnonzero(np.diff(species[order], prepend=-1, append=-1)).tolist()
    sizes = groups["n_images"].to_numpy()[order].tolist()
    for start, end in zip(bounds, bounds[1:], strict=False):
        yield int(species[order[start]]), order[start:end], sizes[start:end]


def _assign_in_order(
    sizes: Sequence[int], deficit: Sequence[float], *, n_test: int, n_train: int
) -> list[int]:
    """The splits of groups of these sizes, in order: each goes where the `deficit` of images is largest.

    `deficit` is by RANDOM_SPLITS. The first `n_test` go to test and the next `n_train` to train in any case.
    """
    test, val, train = deficit
    splits = []
    for i, size in enumerate(sizes):
        if i < n_test + n_train:
            split = TEST if i < n_test else TRAIN
        elif test >= val and test >= train:
            split = TEST
        else:
            split = VAL if val >= train else TRAIN
        splits.append(split)
        if split == TEST:
            test -= size
        elif split == VAL:
            val -= size
        else:
            train -= size
    return splits


def _fill_folds(sizes: Sequence[int], folds: int, n_each: int) -> list[int]:
    """The fold of each group: in turn until each has `n_each`, then the one with the fewest images."""
    n_images, chosen = [0] * folds, []
    for i, size in enumerate(sizes):
        fold = i % folds if i < folds * n_each else n_images.index(min(n_images))
        n_images[fold] += size
        chosen.append(fold)
    return chosen
