"""Common names of the species of a dataset, from its labels and from what its captions explain."""

import polars as pl

LONGEST = 6
"""Words of a common name."""

MIN_GLOSSES = 2
"""Captions that must explain a common name for it to be learned."""

GLOSS = (
    r"\b(?i:an?|the|of|see|is|shows|showing|depicts|features)\s+([A-Z][^().,;:!?]{1,60}?)\s*"
    r"\(([A-Z][a-z-]+ [a-z-]+)(?: [a-z-]+)?\)"
)


def words_of(text):
    """Expression: the words of a text in small letters, with single spaces; apostrophes are left out.

    >>> pl.select(words_of(pl.lit("Becker's White-eye (Aus_bus).")))["literal"].item()
    'beckers white eye aus bus'
    """
    small = text.str.to_lowercase().str.replace_all(r"['\u2019]", "")
    return small.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars(" ")


def common_names(labels, told):
    """`words` and `species` of the common names that stand for one species alone, sorted.

    They are those of the labels, and those that captions explain with their own species, as
    in `a Horned Grebe (Podiceps auritus)`, at least MIN_GLOSSES times. A genus and a category
    are no common names. `told` are tables of `text` and the label's `species`.
    """
    given = labels.select("common_name", "species").drop_nulls().unique()
    given = given.select(words=words_of(pl.col("common_name")), species="species", n=pl.lit(MIN_GLOSSES))
    names = pl.concat([given, *(_glosses(texts) for texts in told)])
    names = names.group_by("words").agg(pl.col("species").unique(), pl.col("n").sum())
    one_species = pl.col("species").list.len() == 1
    n_words = pl.col("words").str.count_matches(" ", literal=True) + 1
    names = names.filter(one_species, pl.col("n") >= MIN_GLOSSES, pl.col("words") != "", n_words <= LONGEST)
    coarser = pl.concat([labels.select(words=words_of(pl.col(rank))) for rank in ("genus", "category")])
    names = names.join(coarser.unique(), on="words", how="anti")
    return names.select("words", pl.col("species").list.first()).sort("words")


def _glosses(texts):
    """`words`, `species` and how often: common names that captions explain with their own species."""
    with_brackets = texts.filter(pl.col("text").str.contains("(", literal=True))
    found = with_brackets.select("species", gloss=pl.col("text").str.extract_all(GLOSS))
    found = found.explode("gloss").drop_nulls()
    common, species = (pl.col("gloss").str.extract(GLOSS, part) for part in (1, 2))
    own = found.filter(species == pl.col("species")).select("species", words=words_of(common))
    return own.group_by("words", "species").agg(n=pl.len().cast(pl.Int32)).select("words", "species", "n")
