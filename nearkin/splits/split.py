"""Train, val, test and unseen: by group, stratified by species, from a seed."""

import logging

import numpy as np
import polars as pl

from nearkin.splits import assignment, conflicts
from nearkin.vocabulary import EXCLUDED

logger = logging.getLogger(__name__)

DECIDED = ["split", "reason", "evidence"]


def split_images(
    labels,
    groups,
    given,
    *,
    seed,
    train,
    val,
    test,
    held_out_species,
    held_out_stratify,
    folds,
    fold,
    min_test_groups,
):
    """The side of every image, as a `Splits` table, sorted by uuid.

    `train`, `val` and `test` are shares of a species' images and add up to 1; groups go one
    by one to the side that lacks most. With `folds`, each group of a species is dealt to
    one of that many folds: `fold` (from 1) is test, train and val share the others in the
    ratio of their shares, and `test` has no say. A species gets at least `min_test_groups`
    test groups (in every fold), so that its queries can hit, or goes to train as a whole:
    `too_few_groups`.

    `held_out_species` is the share of a category's species that is held out whole, by lot from all of
    them or, with `held_out_stratify` = "genus", spread over the genera. A group that holds several
    species counts for its most frequent one, and none of these is held out.

    Images in `given` (see `given_sides`) have their side already, and the lot goes on
    around them; `bridges` says who follows them and who is set aside. What such a group has
    on each side, or aside, is then a group of its own, called by its first uuid.
    """
    shares = {"train": train, "val": val, "test": test}
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(
            f"train, val and test add up to {sum(shares.values())}, not 1 (split of the dataset)"
        )
    if folds and len(given):
        raise ValueError(
            "folds are dealt from all groups anew: leave out split.previous and split.use_source_split"
        )
    images, species, names = _coded(labels, groups)
    images = _with_given(images, species, given)
    dealt, mixed = _to_deal(images)
    dealt = dealt.with_columns(number=assignment.random_keys(seed, names.gather(dealt["group"])))
    candidates = _candidates(species, images, dealt, mixed)
    candidates = candidates.with_columns(
        number=assignment.random_keys(seed, candidates["category"] + "/" + candidates["stratum"])
    )
    held_out = assignment.choose_held_out(candidates, share=held_out_species, by=held_out_stratify)
    out = pl.col("species").is_in(held_out.implode())
    rest = dealt.filter(~out)
    if folds:
        needed = f"{min_test_groups} test groups in each of {folds} folds"
        sides = assignment.assign_folds(
            rest, shares=shares, folds=folds, fold=fold, min_test_groups=min_test_groups
        )
    else:
        needed = f"{min_test_groups} test groups and one of train"
        taken = _taken(images, len(species))
        sides = assignment.assign_splits(rest, taken, shares=shares, min_test_groups=min_test_groups)
    by_lot = pl.concat([_sided(rest, sides, needed), _unseen(dealt.filter(out))])
    result = _assembled(images, by_lot, names)
    counts = result.group_by("split").len().sort("split")
    logger.info("%d images, %d groups: %s", len(result), len(names), dict(counts.iter_rows()))
    n_few = rest.filter(pl.Series(sides < 0))["species"].n_unique()
    logger.info("%d species held out by lot, %d with too few groups to split", len(held_out), n_few)
    return result


def check_tested(splits: pl.DataFrame, labels: pl.DataFrame, *, dataset: str) -> None:
    """Raises ValueError, saying what to change, unless an image of a named species is tested.

    Without one no species has a recall, and the study would fail after everything was trained.
    """
    named = labels.drop_nulls("species")
    if len(splits.filter(split="test").join(named, on="uuid", how="semi")):
        return
    counts = dict(splits.group_by("split").len().sort("split").iter_rows())
    if len(splits.filter(reason="from_source")):
        remedy = "name another column in source.columns.split, or leave out split.use_source_split"
    elif len(splits.filter(reason="from_previous")):
        remedy = "leave out split.previous, or name an earlier split with test images there"
    else:
        remedy = (
            "raise split.test, lower split.min_test_groups or split.held_out_species, or deliver more images "
            "of each species"
        )
    raise ValueError(
        f"{dataset}: no image of a named species is tested, so nothing could be scored; images by side: "
        f"{counts}; {remedy}"
    )


def _coded(labels, groups):
    """The images by uuid, with numbers for species and group; the species; the names of the groups.

    Images without a species are told apart by their genus.
    """
    labels, groups = labels.sort("uuid"), groups.sort("uuid")
    if not labels["uuid"].equals(groups["uuid"]):
        both = pl.concat([labels["uuid"], groups["uuid"]]).value_counts()
        stray = both.filter(pl.col("count") < 2)["uuid"].min()
        raise ValueError(f"image {stray} is not both in labels and in groups: rerun group_images")
    stratum = pl.coalesce("species", pl.col("genus") + " sp.").alias("stratum")
    kind = ["category", "stratum"]
    images = labels.select("uuid", "category", "genus", stratum, name="species")
    species = images.group_by(kind).agg(pl.col("genus", "name").min()).sort(kind).with_row_index("species")
    images = images.join(species.select("species", *kind), on=kind, how="left", maintain_order="left")
    group = groups["group_id"].rank("dense") - 1
    _, first = np.unique(group, return_index=True)
    return images.select("uuid", "species", group=group), species, groups["group_id"].gather(first)


def _with_given(images, species, given):
    if given.is_empty():
        return images.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in DECIDED)
    return conflicts.resolve(images, given, species.select("species", "name"))


def _to_deal(images):
    """The groups that the lot deals, with their main species and images; and the species that share one."""
    counted = images.filter(pl.col("split").is_null()).group_by("group", "species").len("n_images")
    counted = counted.sort("group", "n_images", "species", descending=[False, True, False])
    alone = pl.col("group").is_first_distinct() & pl.col("group").is_last_distinct()
    dealt = counted.group_by("group", maintain_order=True).agg(
        pl.col("species").first(), pl.col("n_images").sum().cast(pl.Int64)
    )
    return dealt, counted.filter(~alone)["species"].unique()


def _candidates(species, images, dealt, mixed):
    """The species of which a share is held out: whether each is `unseen` already, or else `able` to be.

    Able is who has several groups, all of them to be dealt, and none with another species.
    """
    sided = images.filter(pl.col("split") != EXCLUDED)
    bound = pl.concat([mixed, sided["species"].unique()])
    unseen = sided.filter(split="unseen_species")["species"].unique()
    groups = dealt.group_by("species").agg(n_groups=pl.len())
    species = species.join(groups, on="species", how="left", maintain_order="left")
    counts = pl.col("n_groups").is_not_null() | pl.col("species").is_in(sided["species"].implode())
    return species.filter(counts, pl.col("name").is_not_null()).with_columns(
        able=(pl.col("n_groups") > 1) & ~pl.col("species").is_in(bound.implode()),
        unseen=pl.col("species").is_in(unseen.implode()),
    )


def _taken(images, n_species):
    """The images and groups that each species has on its SIDES already: two arrays (n_species, 3)."""
    sided = images.filter(pl.col("split").is_in(assignment.SPLITS))
    counted = sided.group_by("species", "split").agg(images=pl.len(), groups=pl.col("group").n_unique())
    place = counted["species"].to_numpy(), [assignment.SPLITS.index(side) for side in counted["split"]]
    taken = {}
    for name in ("images", "groups"):
        taken[name] = np.zeros((n_species, len(assignment.SPLITS)), dtype=np.int64)
        taken[name][place] = counted[name]
    return taken


def _sided(groups, sides, needed):
    """What becomes of the dealt groups; those of a species with too few go to train."""
    few = pl.Series(sides < 0)
    said = pl.format("{} to deal, too few for {}", pl.len().over("species"), pl.lit(needed))
    return groups.select(
        "group",
        split=pl.Series(assignment.SPLITS).gather(np.where(few, assignment.TRAIN, sides)),
        reason=pl.when(few).then(pl.lit("too_few_groups")),
        evidence=pl.when(few).then(said),
    )


def _unseen(groups):
    nothing = pl.lit(None, dtype=pl.String)
    return groups.select("group", split=pl.lit("unseen_species"), reason=nothing, evidence=nothing)


def _assembled(images, by_lot, names):
    """The `Splits` table: given sides, and those of the lot where there is none."""
    images = images.join(by_lot, on="group", how="left", maintain_order="left", suffix="_by_lot")
    free = pl.col("split").is_null()
    given = images.filter(~free)["group"]  # the lot alone cuts no group
    images = images.select(
        "uuid",
        "group",
        *(pl.when(free).then(f"{name}_by_lot").otherwise(name).alias(name) for name in DECIDED),
        group_id=names.gather(images["group"]),
    )
    sides = images.filter(pl.col("group").is_in(given.implode())).select("group", "split").unique()
    cut = sides.filter(pl.col("group").is_duplicated())["group"]
    parts = images.filter(pl.col("group").is_in(cut.implode())).group_by("group", "split")
    parts = parts.agg(part=pl.col("uuid").min())
    images = images.join(parts, on=["group", "split"], how="left", maintain_order="left")
    return images.with_columns(group_id=pl.coalesce("part", "group_id")).drop("group", "part")
