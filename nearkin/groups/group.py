"""Images that belong together: same bytes, near duplicates, same specimen."""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from nearkin.groups import review
from nearkin.groups.components import NO_PAIRS, connected_components
from nearkin.groups.cosine_pairs import cosine_pairs
from nearkin.groups.near_duplicates import near_duplicate_pairs, stack_hashes
from nearkin.groups.settings import NearDuplicateLimits, OversizedLimits
from nearkin.groups.specimens import find_specimens
from nearkin.images.dhash import to_array
from nearkin.tables.groups import EXACT_LINKS, LINK_TYPES, Groups

logger = logging.getLogger(__name__)


def group_images(
    labels: pl.DataFrame,
    inspection: pl.LazyFrame,
    delivered: pl.DataFrame,
    vectors_of: Callable[[pl.Series], np.ndarray] | None,
    *,
    specimen: Sequence[str],
    near_duplicates: NearDuplicateLimits | None,
    oversized: OversizedLimits,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The Groups of the kept images, and the GroupsToReview; `group_id` is the smallest uuid of a group.

    `labels` has uuid, path, category and species; of the lazy Inspection rows only the columns in use are
    read. Specimens are those of `delivered` (uuid, specimen), and what the regular expressions `specimen`
    capture from file names. `vectors_of` returns the unit vectors of sorted uuids, for min_cosine of
    `near_duplicates`; either may be None, which switches it off. Links of different types
    join images into one group, across species and categories.

    A group with several species stays whole, since parts of it could leak between splits; it is reported.
    So is an oversized group (see `review.find_oversized_groups`), which loses its links by looks.
    """
    images = labels.select("uuid", "path", "category", "species").sort("uuid")
    links: dict[str, np.ndarray] = dict.fromkeys(LINK_TYPES, NO_PAIRS)
    links["bytes"] = _link_equal(_read_inspection(images, inspection, value="sha256"))
    links["specimen"] = _link_equal(find_specimens(images, delivered, specimen))
    if near_duplicates:
        links["near_duplicate"] = _find_near_duplicates(images, inspection, near_duplicates)
    if near_duplicates and vectors_of:
        links["embedding"] = cosine_pairs(vectors_of(images["uuid"]), near_duplicates["min_cosine"])
    exact = connected_components(np.concatenate([links[kind] for kind in EXACT_LINKS]), len(images))
    images = _add_groups(images.with_columns(pl.Series("exact_component", exact)), links)
    oversized_ids = review.find_oversized_groups(images, **oversized)
    to_review = [review.describe_groups(images, oversized_ids, "oversized")]
    if len(oversized_ids):
        keeps_links = ~images["group_id"].is_in(oversized_ids.implode()).to_numpy()
        for kind in LINK_TYPES:
            if kind not in EXACT_LINKS:
                links[kind] = links[kind][keeps_links[links[kind][:, 0]]]
        images = _add_groups(images, links)
    to_review.append(
        review.describe_groups(images, review.find_mixed_species_groups(images), "mixed_species")
    )
    for kind, pairs in links.items():
        logger.info("%d images linked by %s", len(np.unique(pairs)), kind)
    n_groups, counts = images["group_id"].n_unique(), {"images grouped": len(images)}
    logger.info("%d groups of %d images", n_groups, len(images), extra={"counts": counts})
    return images.select(Groups.column_names()), pl.concat(to_review)


def _read_inspection(images: pl.DataFrame, inspection: pl.LazyFrame, **columns: str) -> pl.DataFrame:
    """Some columns of the inspection in the order of `images`, and `at`, the number of the row."""
    uuids = images.lazy().select("uuid", at=pl.int_range(pl.len()))
    rows = uuids.join(inspection.select("uuid", **columns), on="uuid").sort("at").collect(engine="streaming")
    if len(rows) < len(images):
        raise ValueError(f"{len(images) - len(rows)} kept images were not inspected; rerun inspect_images")
    return rows


def _link_equal(values: pl.DataFrame) -> np.ndarray:
    """Each row (`at`) paired with the first one of the same `value`: (n_pairs, 2)."""
    paired = values.select(pl.col("at").min().over("value").alias("first"), "at")
    return paired.filter(pl.col("first") != pl.col("at")).to_numpy().astype(np.int64).reshape(-1, 2)


def _find_near_duplicates(
    images: pl.DataFrame, inspection: pl.LazyFrame, limits: NearDuplicateLimits
) -> np.ndarray:
    def thumbnails_of(uuids: pl.Series) -> np.ndarray:
        order = pl.LazyFrame({"uuid": uuids, "at": np.arange(len(uuids))})
        rows = order.join(inspection.select("uuid", "thumbnail"), on="uuid").sort("at")
        return to_array(rows.collect(engine="streaming")["thumbnail"])

    content = _read_inspection(images, inspection, dhash="dhash", dhash_of_views="dhash_of_views")
    hashes = stack_hashes(content)
    del content  # hundreds of bytes an image
    return near_duplicate_pairs(
        images["uuid"],
        hashes,
        thumbnails_of,
        max_hamming=limits["max_hamming"],
        min_similarity=limits["min_similarity"],
        detect_transformed=limits["detect_transformed"],
    )


def _add_groups(images: pl.DataFrame, links: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """The images with the group and the link types of each."""
    component = connected_components(np.concatenate(list(links.values())), len(images))
    images = images.with_columns(
        pl.Series("component", component), pl.Series("link_types", _format_link_types(links, len(images)))
    )
    return images.with_columns(group_id=pl.col("uuid").min().over("component")).drop("component")


def _format_link_types(links: Mapping[str, np.ndarray], n: int) -> pl.Series:
    """The link types of each of n rows, joined by +: (n,)."""
    code = np.zeros(n, dtype=np.uint8)
    for number, kind in enumerate(LINK_TYPES):
        code[np.unique(links[kind])] |= 1 << number
    words = [
        "+".join(kind for i, kind in enumerate(LINK_TYPES) if code >> i & 1)
        for code in range(2 ** len(LINK_TYPES))
    ]
    return pl.Series(words, dtype=pl.String).gather(code)
