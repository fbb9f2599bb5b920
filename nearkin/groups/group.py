"""Images that belong together: same bytes, near duplicates, same specimen."""

import logging

import numpy as np
import polars as pl

from nearkin.groups import review
from nearkin.groups.components import NO_PAIRS, connected_components
from nearkin.groups.cosine_pairs import cosine_pairs
from nearkin.groups.near_duplicates import hashes_of, near_duplicate_pairs
from nearkin.groups.specimens import specimens
from nearkin.images.dhash import to_array
from nearkin.tables.groups import EXACT_LINKS, LINK_TYPES, Groups

logger = logging.getLogger(__name__)


def group_images(labels, inspection, delivered, vectors_of, *, specimen, near_duplicates, oversized):
    """The Groups of the kept images, and the DoubtfulGroups; `group_id` is the smallest uuid of a group.

    `labels` has uuid, path, category and species; `inspection` are lazy Inspection rows, of
    which is read what is needed. Specimens are those of `delivered` (uuid,
    specimen), and what `specimen`, regular expressions, capture from file names. `near_duplicates`
    holds max_hamming, min_similarity, detect_transformed (see `near_duplicate_pairs`) and min_cosine, for
    which `vectors_of` returns the unit vectors of sorted uuids (None: not used); or it is None.
    What is tied in different ways becomes one group. Ties go across species and categories.

    A group with several species stays one, for else it could straddle a split; it is reported.
    So is an oversized group (see `review.oversized_groups`), whose ties by looks are undone.
    """
    images = labels.select("uuid", "path", "category", "species").sort("uuid")
    ties = dict.fromkeys(LINK_TYPES, NO_PAIRS)
    ties["bytes"] = _tied(_content(images, inspection, value="sha256"))
    ties["specimen"] = _tied(specimens(images, delivered, specimen))
    if near_duplicates:
        ties["near_duplicate"] = _near(images, inspection, near_duplicates)
    if near_duplicates and vectors_of:
        ties["embedding"] = cosine_pairs(vectors_of(images["uuid"]), near_duplicates["min_cosine"])
    firm = pl.Series(
        "firm", connected_components(np.concatenate([ties[kind] for kind in EXACT_LINKS]), len(images))
    )
    images = _united(images.with_columns(firm), ties)
    undone = review.oversized_groups(images, **oversized)
    reported = [review.describe_groups(images, undone, "oversized")]
    if len(undone):
        kept = ~images["group_id"].is_in(undone.implode()).to_numpy()
        ties |= {kind: ties[kind][kept[ties[kind][:, 0]]] for kind in LINK_TYPES if kind not in EXACT_LINKS}
        images = _united(images, ties)
    reported.append(review.describe_groups(images, review.mixed_species_groups(images), "mixed_species"))
    for kind, pairs in ties.items():
        logger.info("%d images tied by %s", len(np.unique(pairs)), kind)
    n_groups, counts = images["group_id"].n_unique(), {"images grouped": len(images)}
    logger.info("%d groups of %d images", n_groups, len(images), extra={"counts": counts})
    return images.select(Groups.column_names()), pl.concat(reported)


def _content(images, inspection, **columns):
    """Some columns of the inspection, in the order of `images`, whose rows `at` numbers."""
    wanted = images.lazy().select("uuid", at=pl.int_range(pl.len()))
    found = (
        wanted.join(inspection.select("uuid", **columns), on="uuid").sort("at").collect(engine="streaming")
    )
    if len(found) < len(images):
        raise ValueError(f"{len(images) - len(found)} kept images were not inspected; rerun inspect_images")
    return found


def _tied(values):
    """Each row (`at`) paired with the first one of the same `value`: (n_pairs, 2)."""
    paired = values.select(pl.col("at").min().over("value").alias("first"), "at")
    return paired.filter(pl.col("first") != pl.col("at")).to_numpy().astype(np.int64).reshape(-1, 2)


def _near(images, inspection, how):
    def thumbnails_of(uuids):
        wanted = pl.LazyFrame({"uuid": uuids, "at": np.arange(len(uuids))})
        found = wanted.join(inspection.select("uuid", "thumbnail"), on="uuid").sort("at")
        return to_array(found.collect(engine="streaming")["thumbnail"])

    content = _content(images, inspection, dhash="dhash", dhash_of_views="dhash_of_views")
    hashes = hashes_of(content)
    del content  # hundreds of bytes an image
    return near_duplicate_pairs(
        images["uuid"],
        hashes,
        thumbnails_of,
        max_hamming=how["max_hamming"],
        min_similarity=how["min_similarity"],
        detect_transformed=how["detect_transformed"],
    )


def _united(images, ties):
    """The images with the group and the kinds of ties of each."""
    component = pl.Series("component", connected_components(np.concatenate(list(ties.values())), len(images)))
    images = images.with_columns(component, pl.Series("link_types", _kinds(ties, len(images))))
    return images.with_columns(group_id=pl.col("uuid").min().over("component")).drop("component")


def _kinds(ties, n):
    """The kinds of tie that each of n rows has, joined by +: (n,)."""
    code = np.zeros(n, dtype=np.uint8)
    for number, kind in enumerate(LINK_TYPES):
        code[np.unique(ties[kind])] |= 1 << number
    words = [
        "+".join(kind for i, kind in enumerate(LINK_TYPES) if code >> i & 1)
        for code in range(2 ** len(LINK_TYPES))
    ]
    return pl.Series(words, dtype=pl.String).gather(code)
