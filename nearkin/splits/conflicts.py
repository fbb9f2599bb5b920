"""Which images have a split before the random assignment, and which would link two splits.

An image with a predefined split (see `predefined.py`) is an anchor: its group belongs to that split, and
its species to the held-out ones or to the others. New images follow their anchors. An image whose anchors
differ is excluded, since no split would be safe. The evidence names both anchors.
"""

import logging

import polars as pl

from nearkin.splits.predefined import PRIORITY
from nearkin.vocabulary import EXCLUDED

logger = logging.getLogger(__name__)

IS_UNASSIGNED = pl.col("split").is_null()
HAS_SPLIT = pl.col("split") != EXCLUDED
IS_UNSEEN = pl.col("split") == "unseen_species"
IS_LOCKED = pl.col("is_locked")
HAS_SPECIES = pl.col("name").is_not_null()


def resolve_predefined(images: pl.DataFrame, predefined: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The images with `split`, `reason` and `evidence`: null for those to be assigned at random.

    `images` has `uuid` and the codes `group` and `species`; `names` has the `name` of each
    `species`, null where it is not known. Locked splits (`is_locked`) stay: where two of them meet in
    one group or one species and no new image explains it, it is a ValueError.
    """
    images = images.join(predefined, on="uuid", how="left", maintain_order="left")
    images = images.with_row_index("row").with_columns(IS_LOCKED.fill_null(False))
    n_gone = len(predefined) - images["split"].count()
    logger.info("%d images with a predefined split, %d of them not kept any more", len(predefined), n_gone)
    images = images.update(_resolve_groups(images), on="row")
    images = images.update(_resolve_species(images, names), on="row")
    images = images.update(_resolve_new_images(images, names), on="row")
    counts = images.filter(~IS_UNASSIGNED).group_by("reason", "split").len("n").sort("reason", "split")
    summary = ", ".join(f"{n} {reason} {split}" for reason, split, n in counts.iter_rows())
    logger.info("not at random: %s", summary)
    return images.drop("row", "is_locked")


def _resolve_groups(images: pl.DataFrame) -> pl.DataFrame:
    """Images excluded from groups of several splits: new ones between locked ones, or of lower priority."""
    rows = _select_conflicts(images, "group", pl.col("split"))
    rank = pl.col("split").replace_strict(PRIORITY, range(len(PRIORITY)), return_dtype=pl.Int8)
    differs = IS_LOCKED & (pl.col("split") != pl.col("split").first())
    anchors = rows.filter(HAS_SPLIT).sort(pl.col("group"), ~IS_LOCKED, rank, "uuid").group_by("group")
    anchors = anchors.agg(
        anchor_split=pl.col("split").first(),
        anchor=pl.col("uuid").first(),
        other_split=pl.col("split").filter(differs).first(),
        other=pl.col("uuid").filter(differs).first(),
    )
    rows = rows.join(anchors, on="group", maintain_order="left")
    spans_locked = pl.col("other").is_not_null()
    unexplained = rows.filter(spans_locked).filter((IS_LOCKED & HAS_SPLIT).all().over("group"))
    if len(unexplained):
        row = unexplained.row(0, named=True)
        raise ValueError(
            f"{row['anchor']} is in {row['anchor_split']} of the previous split and {row['other']} in "
            f"{row['other_split']}, but they are one group now and no new image ties them "
            f"({unexplained['group'].n_unique()} such groups). Go back to the groups' settings that it "
            "was made with, or leave out split.previous"
        )
    linking = rows.filter(spans_locked, ~IS_LOCKED)
    lesser = rows.filter(~spans_locked, HAS_SPLIT, ~IS_LOCKED, pl.col("split") != pl.col("anchor_split"))
    links = pl.format("ties {} in {} to {} in {}", "anchor", "anchor_split", "other", "other_split")
    outranks = pl.format("delivered as {}, in one group with {} in {}", "split", "anchor", "anchor_split")
    return pl.concat([_exclude(linking, links), _exclude(lesser, outranks)])


def _resolve_species(images: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Images excluded from species that are held out and are not: adopted ones, unseen before others."""
    named = images.filter(pl.col("species").is_in(names.filter(HAS_SPECIES)["species"].implode()))
    rows = _select_conflicts(named, "species", IS_UNSEEN).filter(HAS_SPLIT)
    rows = rows.join(names, on="species", maintain_order="left")
    differs = IS_LOCKED & (IS_UNSEEN.first() != IS_UNSEEN)
    anchors = rows.sort(pl.col("species"), ~IS_LOCKED, IS_UNSEEN, "uuid").group_by("species")
    anchors = anchors.agg(
        anchor_split=pl.col("split").first(),
        anchor=pl.col("uuid").first(),
        other=pl.col("uuid").filter(differs).first(),
    )
    rows = rows.join(anchors, on="species", maintain_order="left")
    unexplained = rows.filter(pl.col("other").is_not_null())
    if len(unexplained):
        row = unexplained.row(0, named=True)
        raise ValueError(
            f"{row['anchor']} is in {row['anchor_split']} of the previous split and {row['other']} in "
            f"unseen_species, but both are {row['name']} now "
            f"({unexplained['species'].n_unique()} such species). Go back to the names that it was made "
            "with, or leave out split.previous"
        )
    wrong = rows.filter((pl.col("anchor_split") == "unseen_species") != IS_UNSEEN)
    evidence = pl.format("delivered as {}, but {} has {} in {}", "split", "name", "anchor", "anchor_split")
    return _exclude(wrong, evidence)


def _resolve_new_images(images: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The splits of new images that follow their group or held-out species; excluded where these differ."""
    named = names.filter(HAS_SPECIES)["species"]
    held_out = images.filter(IS_UNSEEN, pl.col("species").is_in(named.implode()))["species"].unique()
    new_groups = images.filter(IS_UNASSIGNED)["group"]
    anchors = images.filter(HAS_SPLIT, pl.col("group").is_in(new_groups.implode())).group_by("group")
    anchors = anchors.agg(anchor_split=pl.col("split").first(), anchor=pl.col("uuid").min())
    rows = images.filter(IS_UNASSIGNED).join(names, on="species", how="left", maintain_order="left")
    rows = rows.join(anchors, on="group", how="left", maintain_order="left")
    rows = rows.with_columns(is_held_out=pl.col("species").is_in(held_out.implode()))
    rows = rows.with_columns(
        held_out_name=pl.col("name").filter(pl.col("is_held_out")).min().over("group"),
        other_name=pl.col("name").filter(~pl.col("is_held_out")).min().over("group"),
    )
    anchored = rows.filter(pl.col("anchor_split").is_not_null())
    differs = HAS_SPECIES & (pl.col("is_held_out") != (pl.col("anchor_split") == "unseen_species"))
    loose = rows.filter(pl.col("anchor_split").is_null(), pl.col("held_out_name").is_not_null())
    alone = pl.col("other_name").is_null()
    state = pl.when("is_held_out").then(pl.lit("is held out")).otherwise(pl.lit("is not held out"))
    contradicts = pl.format("in one group with {} in {}, but {} {}", "anchor", "anchor_split", "name", state)
    follows = pl.format("in one group with {}", "anchor")
    links = pl.format("ties {}, which is held out, to {}", "held_out_name", "other_name")
    unseen = pl.lit("unseen_species")
    return pl.concat(
        [
            _exclude(anchored.filter(differs), contradicts),
            _assign(anchored.filter(~differs), pl.col("anchor_split"), "follows_group", follows),
            _exclude(loose.filter(~alone), links),
            _assign(loose.filter(alone), unseen, "unseen_species", pl.col("held_out_name")),
        ]
    )


def _select_conflicts(images: pl.DataFrame, key: str, value: pl.Expr) -> pl.DataFrame:
    """The rows of every `key` whose anchors differ in `value`."""
    pairs = images.filter(HAS_SPLIT).select(key, value=value).unique()
    return images.filter(pl.col(key).is_in(pairs.filter(pl.col(key).is_duplicated())[key].implode()))


def _exclude(rows: pl.DataFrame, evidence: pl.Expr) -> pl.DataFrame:
    return _assign(rows, pl.lit(EXCLUDED), "would_leak", evidence)


def _assign(rows: pl.DataFrame, split: pl.Expr, reason: str, evidence: pl.Expr) -> pl.DataFrame:
    return rows.select("row", split=split, reason=pl.lit(reason), evidence=evidence)
