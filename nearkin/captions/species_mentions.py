"""Which other species than its own a caption names."""

from collections.abc import Iterator, Sequence
from typing import TypedDict, cast

import polars as pl

from nearkin.captions.common_names import find_common_names, normalise_words
from nearkin.captions.mention_context import contains_words, is_subject_mention

ABBREVIATED = r"\b([A-Z])\. ?([a-z]{3,}(?:-[a-z]+)*)\b"

BINOMIAL = "^[A-Z][a-z]+ [a-z-]{3,}$"

CHUNK_TEXTS = 1_000_000
"""Texts searched at a time."""

MENTION_SCHEMA = {
    "at": pl.UInt32,
    "words": pl.String,
    "named": pl.String,
    "scientific": pl.Boolean,
    "own": pl.Boolean,
}
"""A name in a text: the text's row, the name's words, its species, and whether that is the label's own."""

USAGE_SCHEMA = {"words": pl.String, "n_own": pl.UInt32, "n_other": pl.UInt32}
"""Texts with a name: those of its own species, and those of others that do not name their own."""


class SpeciesMentionFinder:
    """Finds other species in captions, by the names of this dataset.

    These are the scientific names in any case, whole or as in `P. indra`, and the common
    names of `find_common_names`. `caption_tables` have `at`, `text` and `species` and show how
    names are used: a common name that occurs more often under other labels than under its
    own is an ordinary phrase. `unlabelled` are names of species without a label; only
    plain binomials count.
    """

    def __init__(
        self, labels: pl.DataFrame, caption_tables: Sequence[pl.DataFrame], *, unlabelled: pl.Series
    ) -> None:
        binomials = unlabelled.filter(unlabelled.str.contains(BINOMIAL))
        species = pl.concat([labels["species"].drop_nulls(), binomials]).unique().sort().to_frame("species")
        scientific = species.select(
            words=normalise_words(pl.col("species")), named="species", scientific=True
        )
        common = find_common_names(labels, caption_tables).select("words", named="species", scientific=False)
        names = pl.concat([scientific, common]).unique("words", keep="first", maintain_order=True)
        # Of several names that begin at the same character the search finds the first of the list.
        names = names.sort(pl.col("words").str.len_chars(), "words", descending=[True, False])
        self._names = names.with_columns(pattern=_pad_words(pl.col("words")))
        initial, epithet = pl.col("species").str.head(1), pl.col("species").str.extract(r"^\S+ (\S+)")
        self._short_names = species.select(named="species", initial=initial, epithet=epithet)
        uses = [
            self._count_uses(texts) for table in caption_tables for texts in table.iter_slices(CHUNK_TEXTS)
        ]
        self._uses = pl.concat([pl.DataFrame(schema=USAGE_SCHEMA), *uses]).group_by("words").sum()

    def find_other_species(self, captions: pl.DataFrame) -> pl.DataFrame:
        """`at` and `other`: the rows whose text names another species and not its own, and that species.

        `captions` has the columns `at` (a row's number), `text`, and those of the label:
        `species`, `common_name` and `raw_name`. A row without a species has no other.
        """
        mentions = _drop_own(self._find_mentions(captions)).join(self._uses, on="words", how="left")
        mentions = mentions.with_columns(pl.col("n_own", "n_other").fill_null(0))
        is_name = pl.col("scientific") | (pl.col("n_other") <= pl.max_horizontal("n_own", 2))
        n_letters = pl.col("words").str.len_chars()
        mentions = mentions.filter(is_name)
        mentions = mentions.sort("at", n_letters, "words", "named", descending=[False, True, False, False])
        own = {
            "own_common": normalise_words(pl.col("common_name")),
            "own_name": _binomial_expr(pl.col("raw_name")),
        }
        texts = captions.select("at", "text", **own)
        mentions = mentions.join(texts, on="at", maintain_order="left")
        others = {}
        for mention in cast(Iterator[_Mention], mentions.iter_rows(named=True)):
            if mention["at"] not in others and _is_other_species(mention):
                others[mention["at"]] = mention["named"]
        return pl.DataFrame(list(others.items()), schema={"at": pl.UInt32, "other": pl.String}, orient="row")

    def _count_uses(self, texts: pl.DataFrame) -> pl.DataFrame:
        """How names are used in texts, as in USAGE_SCHEMA."""
        mentions = self._find_mentions(texts)
        own = mentions.filter("own").group_by("words").agg(n_own=pl.len(), n_other=pl.lit(0, pl.UInt32))
        other = _drop_own(mentions).group_by("words").agg(n_own=pl.lit(0, pl.UInt32), n_other=pl.len())
        return pl.concat([own, other])

    def _find_mentions(self, captions: pl.DataFrame) -> pl.DataFrame:
        """The names in the texts, as in MENTION_SCHEMA."""
        texts = captions.select("at", "text", "species").drop_nulls()
        if self._names.is_empty():
            return pl.DataFrame(schema=MENTION_SCHEMA)
        return pl.concat([self._find_whole_names(texts), self._find_abbreviations(texts)])

    def _find_whole_names(self, texts: pl.DataFrame) -> pl.DataFrame:
        patterns = pl.lit(self._names["pattern"]).implode()
        padded = _pad_words(normalise_words(pl.col("text")))
        matches = texts.select("at", "species", pattern=padded.str.extract_many(patterns, leftmost=True))
        matches = matches.filter(pl.col("pattern").list.len() > 0).explode("pattern")
        matches = matches.join(self._names, on="pattern")
        return matches.select("at", "words", "named", "scientific", own=pl.col("named") == pl.col("species"))

    def _find_abbreviations(self, texts: pl.DataFrame) -> pl.DataFrame:
        matches = texts.filter(pl.col("text").str.contains(ABBREVIATED))
        matches = matches.select("at", "species", short=pl.col("text").str.extract_all(ABBREVIATED))
        matches = matches.explode("short")
        initial, epithet = (pl.col("short").str.extract(ABBREVIATED, part) for part in (1, 2))
        matches = matches.with_columns(initial=initial, epithet=epithet)
        matches = matches.join(self._short_names, on=["initial", "epithet"])
        own = pl.col("named") == pl.col("species")
        return matches.select(
            "at", normalise_words(pl.col("short")).alias("words"), "named", scientific=True, own=own
        )


class _Mention(TypedDict):
    """A name in a text that may be another species, with how the name is used and what the label says."""

    at: int
    words: str
    named: str
    scientific: bool
    n_own: int
    n_other: int
    text: str
    own_common: str | None
    own_name: str | None


def _drop_own(mentions: pl.DataFrame) -> pl.DataFrame:
    """The names in texts that do not name their own species."""
    return mentions.filter(~pl.col("own").any().over("at"))


def _pad_words(words: pl.Expr) -> pl.Expr:
    """Two spaces between words and one at the ends: so words match whole, and adjacent names both match."""
    return " " + words.str.replace_all(" ", "  ", literal=True) + " "


def _binomial_expr(name: pl.Expr) -> pl.Expr:
    return normalise_words(name).str.extract(r"^(\S+ \S+)")


def _is_other_species(mention: _Mention) -> bool:
    own = [name for name in (mention["own_common"], mention["own_name"]) if name]
    if any(contains_words(mention["text"], name) for name in own):
        return False
    return is_subject_mention(
        mention["text"],
        mention["words"],
        scientific=mention["scientific"],
        n_own=mention["n_own"],
        n_other=mention["n_other"],
    )
