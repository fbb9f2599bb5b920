"""Who has a side before the lot is drawn, and who would tie two sides together.

A given side (see `given_sides`) anchors the image's group there, and its species among the
held-out ones or among the others. Newcomers follow their anchors; who is held by two that
differ is set aside, for no side would be safe. The evidence names both.
"""

import logging

import polars as pl

from nearkin.splits.predefined import PRIORITY
from nearkin.vocabulary import EXCLUDED

logger = logging.getLogger(__name__)

IS_UNASSIGNED = pl.col("split").is_null()
HAS_SPLIT = pl.col("split") != EXCLUDED
IS_UNSEEN = pl.col("split") == "unseen_species"
IS_LOCKED = pl.col("firm")
HAS_SPECIES = pl.col("name").is_not_null()


def resolve(images, given, names):
    """The images with `split`, `reason` and `evidence`: null for those that the lot decides.

    `images` has `uuid` and the codes `group` and `species`; `names` has the `name` of each
    `species`, null where it is not known. Firm sides stay: where two of them hold one group
    or one species and no newcomer is to blame, it is a ValueError.
    """
    images = images.join(given, on="uuid", how="left", maintain_order="left")
    images = images.with_row_index("row").with_columns(IS_LOCKED.fill_null(False))
    n_left = len(images) - images["split"].null_count()
    logger.info("%d images with a given side, %d of them not kept any more", len(given), len(given) - n_left)
    images = images.update(_one_side_per_group(images), on="row")
    images = images.update(_one_side_per_species(images, names), on="row")
    images = images.update(_newcomers(images, names), on="row")
    counts = images.filter(~IS_UNASSIGNED).group_by("reason", "split").len("n").sort("reason", "split")
    logger.info("not by lot: %s", ", ".join(f"{n} {reason} {side}" for reason, side, n in counts.iter_rows()))
    return images.drop("row", "firm")


def _one_side_per_group(images):
    """Who gives way in a group of several sides: newcomers between two firm ones, or lesser adopted ones."""
    rows = _several(images, "group", pl.col("split"))
    rank = pl.col("split").replace_strict(PRIORITY, range(len(PRIORITY)), return_dtype=pl.Int8)
    differs = IS_LOCKED & (pl.col("split") != pl.col("split").first())
    anchors = rows.filter(HAS_SPLIT).sort(pl.col("group"), ~IS_LOCKED, rank, "uuid").group_by("group")
    held = anchors.agg(
        side=pl.col("split").first(),
        mate=pl.col("uuid").first(),
        other_side=pl.col("split").filter(differs).first(),
        other=pl.col("uuid").filter(differs).first(),
    )
    rows = rows.join(held, on="group", maintain_order="left")
    torn = pl.col("other").is_not_null()
    unexplained = rows.filter(torn).filter((IS_LOCKED & HAS_SPLIT).all().over("group"))
    if len(unexplained):
        row = unexplained.row(0, named=True)
        raise ValueError(
            f"{row['mate']} is in {row['side']} of the previous split and {row['other']} in "
            f"{row['other_side']}, but they are one group now and no new image ties them "
            f"({unexplained['group'].n_unique()} such groups). Go back to the groups' settings that it "
            "was made with, or leave out split.previous"
        )
    bridges = rows.filter(torn, ~IS_LOCKED)
    lesser = rows.filter(~torn, HAS_SPLIT, ~IS_LOCKED, pl.col("split") != pl.col("side"))
    ties = pl.format("ties {} in {} to {} in {}", "mate", "side", "other", "other_side")
    beside = pl.format("delivered as {}, in one group with {} in {}", "split", "mate", "side")
    return pl.concat([_set_aside(bridges, ties), _set_aside(lesser, beside)])


def _one_side_per_species(images, names):
    """Who gives way where a species is held out and is not: adopted images, unseen ones before others."""
    named = images.filter(pl.col("species").is_in(names.filter(HAS_SPECIES)["species"].implode()))
    rows = _several(named, "species", IS_UNSEEN).filter(HAS_SPLIT)
    rows = rows.join(names, on="species", maintain_order="left")
    differs = IS_LOCKED & (IS_UNSEEN.first() != IS_UNSEEN)
    held = rows.sort(pl.col("species"), ~IS_LOCKED, IS_UNSEEN, "uuid").group_by("species")
    held = held.agg(
        side=pl.col("split").first(),
        mate=pl.col("uuid").first(),
        other=pl.col("uuid").filter(differs).first(),
    )
    rows = rows.join(held, on="species", maintain_order="left")
    torn = rows.filter(pl.col("other").is_not_null())
    if len(torn):
        row = torn.row(0, named=True)
        raise ValueError(
            f"{row['mate']} is in {row['side']} of the previous split and {row['other']} in unseen_species, "
            f"but both are {row['name']} now ({torn['species'].n_unique()} such species). Go back to the "
            "names that it was made with, or leave out split.previous"
        )
    wrong = rows.filter((pl.col("side") == "unseen_species") != IS_UNSEEN)
    return _set_aside(
        wrong, pl.format("delivered as {}, but {} has {} in {}", "split", "name", "mate", "side")
    )


def _newcomers(images, names):
    """Where images without a side go by their group or their held-out species; aside if these differ."""
    named = names.filter(HAS_SPECIES)["species"]
    held_out = images.filter(IS_UNSEEN, pl.col("species").is_in(named.implode()))["species"].unique()
    mates = images.filter(HAS_SPLIT, pl.col("group").is_in(images.filter(IS_UNASSIGNED)["group"].implode()))
    held = mates.group_by("group").agg(side=pl.col("split").first(), mate=pl.col("uuid").min())
    rows = images.filter(IS_UNASSIGNED).join(names, on="species", how="left", maintain_order="left")
    rows = rows.join(held, on="group", how="left", maintain_order="left")
    rows = rows.with_columns(out=pl.col("species").is_in(held_out.implode()))
    rows = rows.with_columns(
        one=pl.col("name").filter(pl.col("out")).min().over("group"),
        another=pl.col("name").filter(~pl.col("out")).min().over("group"),
    )
    tied = rows.filter(pl.col("side").is_not_null())
    differs = HAS_SPECIES & (pl.col("out") != (pl.col("side") == "unseen_species"))
    loose = rows.filter(pl.col("side").is_null(), pl.col("one").is_not_null())
    alone = pl.col("another").is_null()
    said = pl.when("out").then(pl.lit("is held out")).otherwise(pl.lit("is not held out"))
    but = pl.format("in one group with {} in {}, but {} {}", "mate", "side", "name", said)
    ties = pl.format("ties {}, which is held out, to {}", "one", "another")
    return pl.concat(
        [
            _set_aside(tied.filter(differs), but),
            _placed(
                tied.filter(~differs),
                pl.col("side"),
                "follows_group",
                pl.format("in one group with {}", "mate"),
            ),
            _set_aside(loose.filter(~alone), ties),
            _placed(loose.filter(alone), pl.lit("unseen_species"), "unseen_species", pl.col("one")),
        ]
    )


def _several(images, key, value):
    """The rows of every `key` whose anchors differ in `value`."""
    pairs = images.filter(HAS_SPLIT).select(key, value=value).unique()
    return images.filter(pl.col(key).is_in(pairs.filter(pl.col(key).is_duplicated())[key].implode()))


def _set_aside(rows, evidence):
    return _placed(rows, pl.lit(EXCLUDED), "would_leak", evidence)


def _placed(rows, side, reason, evidence):
    return rows.select("row", split=side, reason=pl.lit(reason), evidence=evidence)
