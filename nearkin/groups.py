"""Images that belong together: same bytes, near duplicates, same specimen."""

import logging
import re

import faiss
import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nearkin.tables.splits import Groups

logger = logging.getLogger(__name__)

QUERIES = 4096
"""Hashes searched at once, so that memory stays bounded."""

OTHER_LIGHT = 3
"""A brightened copy keeps its hash and changes its colours: how much more these may differ then."""

KINDS = ("bytes", "near_duplicate", "specimen")


def grouped(labels, inspection, *, specimen, near_duplicates):
    """The Groups of the kept images; `group_id` is the smallest uuid of a group.

    `specimen` are regular expressions with one group each, searched in file names: within a
    category, what an expression captures names the specimen. `near_duplicates` holds
    coarse_distance, fine_distance and colour_distance (see `near_pairs`), or is None. What
    belongs to one group by different ties becomes one group. A group with several species is
    logged: it stays one, for else it could straddle a split.
    """
    hashes = inspection.select("uuid", "sha256", "coarse_hash", "fine_hash", "colours")
    images = labels.select("uuid", "path", "category", "species").join(hashes, on="uuid").sort("uuid")
    if len(images) < len(labels):
        raise ValueError(f"{len(labels) - len(images)} kept images were not inspected; rerun inspect_images")
    ties = {
        "bytes": _equal_pairs(images["sha256"]),
        "near_duplicate": _near_pairs_by_category(images, near_duplicates),
        "specimen": np.concatenate(
            [_equal_pairs(names) for names in _specimens(images, specimen)] or [NO_PAIRS]
        ),
    }
    pairs = np.concatenate(list(ties.values()))
    matrix = coo_array(
        (np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(images),) * 2
    )
    component = pl.Series("component", connected_components(matrix, directed=False)[1])
    images = images.with_columns(component, ties=_kinds_of(ties, len(images)))
    images = images.with_columns(group_id=pl.col("uuid").min().over("component"))
    for kind, of_kind in ties.items():
        logger.info("%d images tied by %s", len(np.unique(of_kind)), kind)
    _log_doubtful(images)
    return images.select(Groups.column_names())


NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def near_pairs(images, *, coarse_distance, fine_distance, colour_distance):
    """Pairs of row numbers, first before second, that look the same. Shape (n_pairs, 2).

    The 8 x 8 hash proposes pairs within `coarse_distance` of 64 bits. A pair is taken if the
    16 x 16 hashes differ in at most `fine_distance` of 256 bits and the colours of 4 x 4
    tiles by at most `colour_distance` of 255 on average; where they differ in half as many
    bits or fewer, by at most OTHER_LIGHT times that. Mirrored images are not found.
    """
    coarse, fine, colours = (_bytes(images[name]) for name in ("coarse_hash", "fine_hash", "colours"))
    distinct, place = np.unique(np.hstack([coarse, fine, colours]), axis=0, return_inverse=True)
    first = np.zeros(len(distinct), dtype=np.int64)
    first[place[::-1]] = np.arange(len(place))[::-1]
    # Rows that look exactly alike are tied to the first of them; only one of each is searched.
    same = np.stack([first[place], np.arange(len(place))], axis=1)
    found = [same[same[:, 0] != same[:, 1]]]
    coarse, fine, colours = coarse[first], fine[first], colours[first].astype(np.int16)
    index = faiss.IndexBinaryFlat(64)
    index.add(np.ascontiguousarray(coarse))
    for start in range(0, len(first), QUERIES):
        limits, _, near = index.range_search(coarse[start : start + QUERIES], coarse_distance + 1)
        query = start + np.repeat(np.arange(len(limits) - 1), np.diff(limits.astype(np.int64)))
        query, near = query[query < near], near[query < near]
        bits = np.bitwise_count(fine[query] ^ fine[near]).sum(axis=1, dtype=np.int64)
        query, near = query[bits <= fine_distance], near[bits <= fine_distance]
        bits = bits[bits <= fine_distance]
        apart = np.abs(colours[query] - colours[near]).mean(axis=1)
        taken = apart <= np.where(2 * bits <= fine_distance, OTHER_LIGHT * colour_distance, colour_distance)
        found.append(np.stack([first[query[taken]], first[near[taken]]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _near_pairs_by_category(images, distances):
    if distances is None:
        return NO_PAIRS
    found = [NO_PAIRS]
    for _, part in images.with_row_index("at").group_by("category", maintain_order=True):
        at = part["at"].to_numpy().astype(np.int64)
        found.append(at[near_pairs(part, **distances)])
    return np.concatenate(found)


def _specimens(images, expressions):
    """Per expression, what it captures from each file name, with the category; null without a match."""
    names = images["path"].str.split("/").list.last()
    for expression in expressions:
        compiled = re.compile(expression)
        if compiled.groups != 1:
            raise ValueError(
                f"groups.specimen: {expression!r} has {compiled.groups} groups in brackets, not one"
            )
        matches = [compiled.search(name) for name in names]
        keys = [match and match.group(1) for match in matches]
        logger.info("%d file names match %s", sum(key is not None for key in keys), expression)
        yield (images["category"] + "/" + pl.Series(keys, dtype=pl.String)).rename(expression)


def _equal_pairs(values):
    """Each row paired with the one before it that has the same value; nulls have none."""
    table = pl.DataFrame({"value": values, "at": np.arange(len(values))}).drop_nulls("value")
    table = table.with_columns(before=pl.col("at").shift().over("value", order_by="at")).drop_nulls()
    return table.select("before", "at").to_numpy().astype(np.int64).reshape(-1, 2)


def _bytes(hashes):
    """Hexadecimal texts of one length as rows of bytes."""
    joined = bytes.fromhex("".join(hashes))
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(hashes), -1)


def _kinds_of(ties, n_images):
    """The kinds of tie that each image has, joined by +."""
    flags = np.zeros((n_images, len(KINDS)), dtype=bool)
    for number, kind in enumerate(KINDS):
        flags[ties[kind].ravel(), number] = True
    words = ["+".join(kind for kind, has in zip(KINDS, row, strict=True) if has) for row in flags]
    return pl.Series(words, dtype=pl.String)


def _log_doubtful(images):
    groups = images.group_by("group_id").agg(
        pl.len(), pl.col("species").drop_nulls().unique().sort(), pl.col("path").min()
    )
    logger.info(
        "%d groups of %d images, the largest of %d", len(groups), len(images), groups["len"].max() or 0
    )
    for row in groups.filter(pl.col("species").list.len() > 1).sort("group_id").iter_rows(named=True):
        named = ", ".join(row["species"][:5])
        logger.warning("a group of %d images with several species (%s): %s", row["len"], named, row["path"])
