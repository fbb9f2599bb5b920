"""Train, val, test and unseen: by group, stratified by species, from a seed.

A group never straddles. The lot is drawn by hashing the seed with the group's name, so
neither the order of the rows nor a library's random generator has a say in it.
"""

import hashlib
import logging
from collections import Counter, defaultdict

import polars as pl

logger = logging.getLogger(__name__)

SIDES = ("test", "val", "train")  # who chooses first when two are equally short


def split(labels, groups, *, seed, train, val, test, unseen, min_test_groups):
    """The side of every image, as a `Splits` table.

    `train`, `val` and `test` are shares of a species' images and add up to 1; groups go one
    by one to the side that lacks most. `unseen` is the share of a category's species that
    is held out whole. A species gets at least `min_test_groups` test groups, so that its
    queries can hit, or goes to train as a whole (reason `too_few_groups`). A group that
    holds several species counts for its most frequent one, and none of these is held out.
    """
    if abs(train + val + test - 1) > 1e-9:
        raise ValueError(f"train, val and test add up to {train + val + test}, not 1 (split of the dataset)")
    images = labels.select("uuid", "category", _species()).join(
        groups.select("uuid", "group_id"), on="uuid", how="left", validate="1:1"
    )
    if images["group_id"].null_count():
        stray = images.filter(pl.col("group_id").is_null())["uuid"][0]
        raise ValueError(f"image {stray} is in labels but in no group: rerun group_images")
    members, mixed = _groups_of_species(images)
    held_out = _held_out(members, mixed, seed=seed, share=unseen)
    side, reason = {}, {}
    for species, sizes in members.items():
        if species in held_out:
            side |= dict.fromkeys(sizes, "unseen")
            continue
        shares = {"test": test, "val": val, "train": train}
        drawn = _deal(sizes, shares, seed=seed, min_test_groups=min_test_groups)
        if drawn is None:
            drawn = dict.fromkeys(sizes, "train")
            reason |= dict.fromkeys(sizes, "too_few_groups")
        side |= drawn
    group = pl.col("group_id")
    result = images.select(
        "uuid",
        group.replace_strict(side, return_dtype=pl.String).alias("split"),
        "group_id",
        group.replace_strict(reason, default=None, return_dtype=pl.String).alias("reason"),
    )
    counts = Counter(result["split"])
    logger.info("%d images, %d groups: %s", len(result), len(side), dict(sorted(counts.items())))
    logger.info("%d species held out, %d groups too few to split", len(held_out), len(reason))
    return result


def _species():
    """The stratum of an image: its species, or what is known when that is missing."""
    return pl.coalesce("species", pl.col("genus") + " sp.").alias("stratum")


def _groups_of_species(images):
    """The number of images of each group, by stratum; and strata that share a group."""
    counted = images.group_by("group_id", "category", "stratum").len()
    counted = counted.sort("group_id", "len", "category", "stratum", descending=[False, True, False, False])
    members, home, mixed = defaultdict(dict), {}, set()
    for group, category, stratum, n_images in counted.iter_rows():
        species = (category, stratum)
        if group in home:
            mixed |= {home[group], species}
        else:
            home[group] = species
        members[home[group]][group] = members[home[group]].get(group, 0) + n_images
    return {species: members[species] for species in sorted(members)}, mixed


def _held_out(members, mixed, *, seed, share):
    """The species that training never sees: a share of each category, by lot."""
    by_category = defaultdict(list)
    for category, stratum in members:
        by_category[category].append((category, stratum))
    held_out = set()
    for category, species in by_category.items():
        able = [one for one in species if len(members[one]) > 1 and one not in mixed]
        able.sort(key=lambda one: _lot(seed, "/".join(one)))
        wanted = round(share * len(species))
        if wanted > len(able):
            logger.warning("%s: only %d of %d species can be held out", category, len(able), wanted)
        held_out |= set(able[:wanted])
    return held_out


def _deal(sizes, shares, *, seed, min_test_groups):
    """The side of each group of one species, or None when it has too few."""
    order = sorted(sizes, key=lambda group: _lot(seed, group))
    if len(order) <= min_test_groups:
        return None
    total = sum(sizes.values())
    lacking = {side: shares[side] * total for side in SIDES}
    drawn = {}
    for group in order:
        if len(drawn) < min_test_groups:
            side = "test"
        elif len(drawn) == min_test_groups:
            side = "train"
        else:
            side = max(SIDES, key=lambda one: lacking[one])
        drawn[group] = side
        lacking[side] -= sizes[group]
    return drawn


def _lot(seed, name):
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
