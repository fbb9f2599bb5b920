"""Sides that images have before any lot is drawn: in an earlier split, or as delivered.

Both come as a table with a row per image: `uuid`, `split`, `firm` (nothing may take it
away), `reason` and `evidence`.
"""

import logging
import re

import polars as pl

from nearkin.vocabulary import EXCLUDED

logger = logging.getLogger(__name__)

COLUMNS = {
    "uuid": pl.String,
    "split": pl.String,
    "firm": pl.Boolean,
    "reason": pl.String,
    "evidence": pl.String,
}

PRIORITY = ["test", "unseen_species", "val", "train"]
"""Which delivered side counts where several do: what is tested stays comparable with others' results."""

SPLIT_ALIASES = {
    "train": ["train", "training", "train_seen", "seen_train", "pretrain"],
    "val": ["val", "valid", "validation", "dev", "val_seen", "seen_val"],
    "test": ["test", "testing", "test_seen", "seen_test"],
    "unseen_species": [
        "unseen",
        "unseen_species",
        "test_unseen",
        "val_unseen",
        "key_unseen",
        "unseen_test",
        "unseen_val",
        "unseen_key",
    ]
    + ["held_out", "heldout", "other_heldout"],
}
"""What the sides are called in deliveries; BIOSCAN-5M's partitions are among them."""

NO_SPLIT_WORDS = ["", "none", "nan", "null", "na", "n_a", "no_split", "unassigned"]
MAX_SHOWN = 20


def combine(tables):
    """The rows of all tables; of an image in several, that of the first."""
    rows = pl.DataFrame(schema=COLUMNS)
    for table in tables:
        rows = pl.concat([rows, table.join(rows, on="uuid", how="anti")])
    return rows


def from_previous(previous):
    """The sides of an earlier `Splits` table, from which no image moves.

    What was set aside stays so, with its reason and evidence. The reason of all others is
    `previous`, and the evidence the reason that they had first, if it was not the lot.
    """
    kept = (pl.col("split") == EXCLUDED) | (pl.col("reason") == "from_previous")
    return previous.select(
        "uuid",
        "split",
        firm=pl.lit(True),
        reason=pl.when(kept).then("reason").otherwise(pl.lit("from_previous")),
        evidence=pl.when(kept).then("evidence").otherwise("reason"),
    )


def from_source(images):
    """The sides that the source delivers, from `uuid` and `split` of an `Images` table.

    Common words for the sides count, whatever their case; an image without one gets no row,
    one that is listed on several sides the one that FIRST names first. Raises ValueError
    for words that nobody knows.
    """
    listed = images.select("uuid", word="split").drop_nulls()
    words = listed["word"].unique().sort()
    sides = pl.DataFrame(
        {"word": words, "split": pl.Series([_side_of(word) for word in words], dtype=pl.String)}
    )
    unknown = sides.filter(split="?")["word"]
    if len(unknown):
        raise ValueError(
            f"{len(unknown)} words of the delivered split name no side: "
            f"{', '.join(repr(word[:40]) for word in unknown[:MAX_SHOWN])}; known are "
            f"{', '.join(word for names in SPLIT_ALIASES.values() for word in names)}. "
            "Mend source.columns.split of the dataset, or leave out split.use_source_split"
        )
    found = listed.join(sides, on="word").select("uuid", "split").drop_nulls().unique()
    if found.is_empty():
        raise ValueError(
            "split.use_source_split is on, but the source delivers no split: name its column in "
            "source.columns.split"
        )
    order = pl.col("split").replace_strict(PRIORITY, range(len(PRIORITY)), return_dtype=pl.Int8)
    found = found.sort("uuid", order)
    several = found.filter(pl.col("uuid").is_duplicated()).group_by("uuid", maintain_order=True).agg("split")
    said = several.select("uuid", evidence=pl.lit("delivered as ") + pl.col("split").list.join(" and "))
    adopted = found.unique("uuid", keep="first").join(said, on="uuid", how="left")
    logger.info("%d images have a delivered side, %d of them several", len(adopted), len(several))
    return adopted.with_columns(firm=pl.lit(False), reason=pl.lit("from_source")).select(list(COLUMNS))


def _side_of(word):
    """The side that a word names; None if it says that there is none, "?" if nobody knows it.

    >>> _side_of(" Test-Unseen"), _side_of("no split"), _side_of("fold 3")
    ('unseen_species', None, '?')
    """
    plain = "_".join(re.split(r"[\s_/.-]+", word.strip().casefold()))
    if plain in NO_SPLIT_WORDS:
        return None
    return next((side for side, names in SPLIT_ALIASES.items() if plain in names), "?")
