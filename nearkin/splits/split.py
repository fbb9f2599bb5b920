"""Train, val, test and unseen species: by group, stratified by species, from a seed."""

import logging

import numpy as np
import polars as pl

from nearkin.splits import assignment, conflicts
from nearkin.vocabulary import EXCLUDED

logger = logging.getLogger(__name__)

ASSIGNMENT = ["split", "reason", "evidence"]


def split_images(
    labels: pl.DataFrame,
    groups: pl.DataFrame,
    predefined: pl.DataFrame,
    *,
    seed: int,
    train: float,
    val: float,
    test: float,
    held_out_species: float,
    held_out_stratify: str,
    folds: int | None,
    fold: int,
    min_test_groups: int,
) -> pl.DataFrame:
    """The split of every image, as a `Splits` table, sorted by uuid.

    `train`, `val` and `test` are shares of a species' images and add up to 1; groups go one
    by one to the split that lacks most. With `folds`, each group of a species is in
    one of that many folds: `fold` (from 1) is test, train and val share the others in the
    ratio of their shares, and the share `test` does not matter. A species gets at least `min_test_groups`
    test groups (in every fold), so that its queries can hit, or goes to train as a whole:
    `too_few_groups`.

    `held_out_species` is the share of a category's species that is held out whole, at random from all of
    them or, with `held_out_stratify` = "genus", spread over the genera. A group that holds several
    species counts for its most frequent one, and none of these is held out.

    Images in `predefined` (see `predefined.py`) have their split already; the others are assigned
    around them. `conflicts.py` decides which images follow them and which are excluded. The images of such a
    group in one split, or the excluded ones, are then a group of their own, named by its first uuid.
    """
    shares = {"train": train, "val": val, "test": test}
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(
            f"train, val and test add up to {sum(shares.values())}, not 1 (split of the dataset)"
        )
    if folds and len(predefined):
        raise ValueError("folds assign all groups again: leave out split.previous and split.use_source_split")
    images, species, names = _encode(labels, groups)
    images = _add_predefined(images, species, predefined)
    free, mixed = _select_free_groups(images)
    free = free.with_columns(number=assignment.hash_names(seed, names.gather(free["group"])))
    candidates = _find_candidates(species, images, free, mixed)
    candidates = candidates.with_columns(
        number=assignment.hash_names(seed, candidates["category"] + "/" + candidates["stratum"])
    )
    held_out = assignment.choose_held_out(candidates, share=held_out_species, by=held_out_stratify)
    is_held_out = pl.col("species").is_in(held_out.implode())
    rest = free.filter(~is_held_out)
    if folds:
        needed = f"{min_test_groups} test groups in each of {folds} folds"
        splits = assignment.assign_folds(
            rest, shares=shares, folds=folds, fold=fold, min_test_groups=min_test_groups
        )
    else:
        needed = f"{min_test_groups} test groups and one of train"
        existing = _count_existing(images, len(species))
        splits = assignment.assign_splits(rest, existing, shares=shares, min_test_groups=min_test_groups)
    assigned = pl.concat([_describe_splits(rest, splits, needed), _mark_unseen(free.filter(is_held_out))])
    result = _combine(images, assigned, names)
    counts = result.group_by("split").len().sort("split")
    logger.info("%d images, %d groups: %s", len(result), len(names), dict(counts.iter_rows()))
    n_few = rest.filter(pl.Series(splits < 0))["species"].n_unique()
    logger.info("%d species held out at random, %d with too few groups to split", len(held_out), n_few)
    return result


def check_tested(splits: pl.DataFrame, labels: pl.DataFrame, *, dataset: str) -> None:
    """Raises ValueError, saying what to change, unless an image of a named species is in test.

    Without one no species has a recall, and the study would fail after all training.
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
        f"{dataset}: no image of a named species is tested, so nothing could be scored; images by split: "
        f"{counts}; {remedy}"
    )


def _encode(labels: pl.DataFrame, groups: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
    """The images by uuid, with numbers for species and group; the species; the names of the groups.

    For images without a species, the genus stands for it.
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


def _add_predefined(images: pl.DataFrame, species: pl.DataFrame, predefined: pl.DataFrame) -> pl.DataFrame:
    if predefined.is_empty():
        return images.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in ASSIGNMENT)
    return conflicts.resolve_predefined(images, predefined, species.select("species", "name"))


def _select_free_groups(images: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The groups to assign at random, with main species and `n_images`; the species that share a group."""
    counted = images.filter(pl.col("split").is_null()).group_by("group", "species").len("n_images")
    counted = counted.sort("group", "n_images", "species", descending=[False, True, False])
    alone = pl.col("group").is_first_distinct() & pl.col("group").is_last_distinct()
    free = counted.group_by("group", maintain_order=True).agg(
        pl.col("species").first(), pl.col("n_images").sum().cast(pl.Int64)
    )
    return free, counted.filter(~alone)["species"].unique()


def _find_candidates(
    species: pl.DataFrame, images: pl.DataFrame, free: pl.DataFrame, mixed: pl.Series
) -> pl.DataFrame:
    """The species of which a share is held out: whether each is `unseen` already, or `able` to be held out.

    A species is able if it has several groups, all of them free, and none with another species.
    """
    with_split = images.filter(pl.col("split") != EXCLUDED)
    bound = pl.concat([mixed, with_split["species"].unique()])
    unseen = with_split.filter(split="unseen_species")["species"].unique()
    groups = free.group_by("species").agg(n_groups=pl.len())
    species = species.join(groups, on="species", how="left", maintain_order="left")
    counts = pl.col("n_groups").is_not_null() | pl.col("species").is_in(with_split["species"].implode())
    return species.filter(counts, pl.col("name").is_not_null()).with_columns(
        able=(pl.col("n_groups") > 1) & ~pl.col("species").is_in(bound.implode()),
        unseen=pl.col("species").is_in(unseen.implode()),
    )


def _count_existing(images: pl.DataFrame, n_species: int) -> dict[str, np.ndarray]:
    """The `images` and `groups` that each species has already: arrays (n_species, 3) by SPLITS."""
    with_split = images.filter(pl.col("split").is_in(assignment.RANDOM_SPLITS))
    counted = with_split.group_by("species", "split").agg(images=pl.len(), groups=pl.col("group").n_unique())
    cells = (
        counted["species"].to_numpy(),
        [assignment.RANDOM_SPLITS.index(split) for split in counted["split"]],
    )
    existing = {}
    for name in ("images", "groups"):
        existing[name] = np.zeros((n_species, len(assignment.RANDOM_SPLITS)), dtype=np.int64)
        existing[name][cells] = counted[name]
    return existing


def _describe_splits(groups: pl.DataFrame, splits: np.ndarray, needed: str) -> pl.DataFrame:
    """`split`, `reason` and `evidence` of random groups; those of a species with too few go to train."""
    few = pl.Series(splits < 0)
    evidence = pl.format("{} to assign, too few for {}", pl.len().over("species"), pl.lit(needed))
    return groups.select(
        "group",
        split=pl.Series(assignment.RANDOM_SPLITS).gather(np.where(few, assignment.TRAIN, splits)),
        reason=pl.when(few).then(pl.lit("too_few_groups")),
        evidence=pl.when(few).then(evidence),
    )


def _mark_unseen(groups: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit(None, dtype=pl.String)
    return groups.select("group", split=pl.lit("unseen_species"), reason=nothing, evidence=nothing)


def _combine(images: pl.DataFrame, assigned: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """The `Splits` table: predefined splits, and the random ones where there is none."""
    images = images.join(assigned, on="group", how="left", maintain_order="left", suffix="_random")
    is_free = pl.col("split").is_null()
    predefined = images.filter(~is_free)["group"]  # random assignment alone cuts no group
    images = images.select(
        "uuid",
        "group",
        *(pl.when(is_free).then(f"{name}_random").otherwise(name).alias(name) for name in ASSIGNMENT),
        group_id=names.gather(images["group"]),
    )
    splits = images.filter(pl.col("group").is_in(predefined.implode())).select("group", "split").unique()
    cut = splits.filter(pl.col("group").is_duplicated())["group"]
    parts = images.filter(pl.col("group").is_in(cut.implode())).group_by("group", "split")
    parts = parts.agg(part=pl.col("uuid").min())
    images = images.join(parts, on=["group", "split"], how="left", maintain_order="left")
    return images.with_columns(group_id=pl.coalesce("part", "group_id")).drop("group", "part")
