"""Common names of the species of a dataset, from its labels and from what its captions explain."""

from collections.abc import Sequence

import polars as pl

MAX_WORDS = 6
"""Words of a common name."""

MIN_GLOSSES = 2
"""Captions that must explain a common name before it counts."""

GLOSS = (
    r"\b(?i:an?|the|of|see|is|shows|showing|depicts|features)\s+([A-Z][^().,;:!?]{1,60}?)\s*"
    r"\(([A-Z][a-z-]+ [a-z-]+)(?: [a-z-]+)?\)"
)


def normalise_words(text: pl.Expr) -> pl.Expr:
    """Expression: the words of a text in lower case, with single spaces and without apostrophes.

    >>> pl.select(normalise_words(pl.lit("Becker's White-eye (Aus_bus).")))["literal"].item()
    'beckers white eye aus bus'
    """
    lower = text.str.to_lowercase().str.replace_all(r"['\u2019]", "")
    return lower.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars(" ")


def find_common_names(labels: pl.DataFrame, caption_tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """`words` and `species` of the common names that stand for exactly one species, sorted.

    They come from the labels, and from captions that explain them with their own species, as
    in `a Horned Grebe (Podiceps auritus)`, at least MIN_GLOSSES times. The name of a genus or a category
    is no common name. `caption_tables` have `text` and the label's `species`.
    """
    labelled = labels.select("common_name", "species").drop_nulls().unique()
    labelled = labelled.select(
        words=normalise_words(pl.col("common_name")), species="species", n=pl.lit(MIN_GLOSSES)
    )
    names = pl.concat([labelled, *(_find_glosses(captions) for captions in caption_tables)])
    names = names.group_by("words").agg(pl.col("species").unique(), pl.col("n").sum())
    is_unique = pl.col("species").list.len() == 1
    n_words = pl.col("words").str.count_matches(" ", literal=True) + 1
    names = names.filter(is_unique, pl.col("n") >= MIN_GLOSSES, pl.col("words") != "", n_words <= MAX_WORDS)
    coarser = pl.concat(
        [labels.select(words=normalise_words(pl.col(rank))) for rank in ("genus", "category")]
    )
    names = names.join(coarser.unique(), on="words", how="anti")
    return names.select("words", pl.col("species").list.first()).sort("words")


def _find_glosses(captions: pl.DataFrame) -> pl.DataFrame:
    """`words`, `species` and count `n` of common names that captions explain with their own species."""
    with_brackets = captions.filter(pl.col("text").str.contains("(", literal=True))
    glosses = with_brackets.select("species", gloss=pl.col("text").str.extract_all(GLOSS))
    glosses = glosses.explode("gloss").drop_nulls()
    common, species = (pl.col("gloss").str.extract(GLOSS, part) for part in (1, 2))
    own = glosses.filter(species == pl.col("species")).select("species", words=normalise_words(common))
    return own.group_by("words", "species").agg(n=pl.len().cast(pl.Int32)).select("words", "species", "n")
