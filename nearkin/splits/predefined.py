"""Splits that images have before the random assignment: from an earlier run, or as delivered.

Both come as a table with a row per image: `uuid`, `split`, `is_locked` (it may not change),
`reason` and `evidence`.
"""

import logging
import re
from collections.abc import Iterable

import polars as pl

from nearkin.vocabulary import EXCLUDED

logger = logging.getLogger(__name__)

COLUMNS = {
    "uuid": pl.String,
    "split": pl.String,
    "is_locked": pl.Boolean,
    "reason": pl.String,
    "evidence": pl.String,
}

PRIORITY = ["test", "unseen_species", "val", "train"]
"""Which of several delivered splits counts: test images stay comparable with others' results."""

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
"""What deliveries call the splits; BIOSCAN-5M's partitions are among them."""

NO_SPLIT_WORDS = ["", "none", "nan", "null", "na", "n_a", "no_split", "unassigned"]
MAX_SHOWN = 20


def combine_predefined(tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The rows of all tables; of an image in several, that of the first."""
    rows = pl.DataFrame(schema=COLUMNS)
    for table in tables:
        rows = pl.concat([rows, table.join(rows, on="uuid", how="anti")])
    return rows


def read_previous(previous: pl.DataFrame) -> pl.DataFrame:
    """The splits of an earlier `Splits` table, from which no image moves.

    Excluded images stay so, with their reason and evidence. The reason of all others is
    `from_previous`, and the evidence is their first reason, null if the split was random.
    """
    keeps_reason = (pl.col("split") == EXCLUDED) | (pl.col("reason") == "from_previous")
    return previous.select(
        "uuid",
        "split",
        is_locked=pl.lit(True),
        reason=pl.when(keeps_reason).then("reason").otherwise(pl.lit("from_previous")),
        evidence=pl.when(keeps_reason).then("evidence").otherwise("reason"),
    )


def read_delivered(images: pl.DataFrame) -> pl.DataFrame:
    """The splits that the source delivers, from `uuid` and `split` of an `Images` table.

    Common words for the splits count, in any case. An image without one gets no row;
    one that is listed in several splits gets the first of PRIORITY. Raises ValueError
    for unknown words.
    """
    listed = images.select("uuid", word="split").drop_nulls()
    words = listed["word"].unique().sort()
    splits = pl.Series([_parse_word(word) for word in words], dtype=pl.String)
    meanings = pl.DataFrame({"word": words, "split": splits})
    unknown = meanings.filter(split="?")["word"]
    if len(unknown):
        raise ValueError(
            f"{len(unknown)} words of the delivered split name no split: "
            f"{', '.join(repr(word[:40]) for word in unknown[:MAX_SHOWN])}; known are "
            f"{', '.join(word for names in SPLIT_ALIASES.values() for word in names)}. "
            "Fix source.columns.split of the dataset, or leave out split.use_source_split"
        )
    delivered = listed.join(meanings, on="word").select("uuid", "split").drop_nulls().unique()
    if delivered.is_empty():
        raise ValueError(
            "split.use_source_split is on, but the source delivers no split: name its column in "
            "source.columns.split"
        )
    order = pl.col("split").replace_strict(PRIORITY, range(len(PRIORITY)), return_dtype=pl.Int8)
    delivered = delivered.sort("uuid", order)
    several = (
        delivered.filter(pl.col("uuid").is_duplicated()).group_by("uuid", maintain_order=True).agg("split")
    )
    evidence = several.select("uuid", evidence=pl.lit("delivered as ") + pl.col("split").list.join(" and "))
    adopted = delivered.unique("uuid", keep="first").join(evidence, on="uuid", how="left")
    logger.info("%d images have a delivered split, %d of them several", len(adopted), len(several))
    return adopted.with_columns(is_locked=pl.lit(False), reason=pl.lit("from_source")).select(list(COLUMNS))


def _parse_word(word: str) -> str | None:
    """The split that a word names; None if it says that there is none, "?" if it is unknown.

    >>> _parse_word(" Test-Unseen"), _parse_word("no split"), _parse_word("fold 3")
    ('unseen_species', None, '?')
    """
    plain = "_".join(re.split(r"[\s_/.-]+", word.strip().casefold()))
    if plain in NO_SPLIT_WORDS:
        return None
    return next((split for split, names in SPLIT_ALIASES.items() if plain in names), "?")
