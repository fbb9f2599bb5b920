"""Which other species than its own a caption names."""

import polars as pl

from nearkin.captions.common_names import common_names, words_of
from nearkin.captions.mention_context import contains_words, is_subject_mention

ABBREVIATED = r"\b([A-Z])\. ?([a-z]{3,}(?:-[a-z]+)*)\b"

BINOMIAL = "^[A-Z][a-z]+ [a-z-]{3,}$"

CHUNK_TEXTS = 1_000_000
"""Texts that are searched at a time."""

MENTION_SCHEMA = {
    "at": pl.UInt32,
    "words": pl.String,
    "named": pl.String,
    "scientific": pl.Boolean,
    "own": pl.Boolean,
}
"""A name in a text: the text's row, the name's words, its species, whether that is the label's own."""

USAGE_SCHEMA = {"words": pl.String, "n_own": pl.UInt32, "n_other": pl.UInt32}
"""Texts with a name: those of its own species, and those of others that do not name their own."""


class SpeciesMentionFinder:
    """Finds other species in captions, by the names of this dataset.

    These are the scientific names in any case, whole or as in `P. indra`, and the common
    names of `common_names`. `told` are tables of `at`, `text` and `species`, from
    which it is learned how names are used: a common name that is met more often under other
    labels than under its own is an ordinary phrase. `further` are names of species that have
    no label, each counted if it is a plain binomial.
    """

    def __init__(self, labels, told, *, further):
        binomials = further.filter(further.str.contains(BINOMIAL))
        species = pl.concat([labels["species"].drop_nulls(), binomials]).unique().sort().to_frame("species")
        scientific = species.select(words=words_of(pl.col("species")), named="species", scientific=True)
        common = common_names(labels, told).select("words", named="species", scientific=False)
        names = pl.concat([scientific, common]).unique("words", keep="first", maintain_order=True)
        # Of several names that begin at one place the first of the list is found.
        names = names.sort(pl.col("words").str.len_chars(), "words", descending=[True, False])
        self._names = names.with_columns(pattern=_spread(pl.col("words")))
        initial, epithet = pl.col("species").str.head(1), pl.col("species").str.extract(r"^\S+ (\S+)")
        self._short_names = species.select(named="species", initial=initial, epithet=epithet)
        uses = [self._uses_in(some) for texts in told for some in texts.iter_slices(CHUNK_TEXTS)]
        self._uses = pl.concat([pl.DataFrame(schema=USAGE_SCHEMA), *uses]).group_by("words").sum()

    def find_other_species(self, captions):
        """`at` and `other`: the rows whose text names another species and not its own, and which.

        `captions` has the columns `at` (a row's number), `text`, and those of the label:
        `species`, `common_name` and `raw_name`. A row without a species has no other.
        """
        found = _strange(self._found_in(captions)).join(self._uses, on="words", how="left")
        found = found.with_columns(pl.col("n_own", "n_other").fill_null(0))
        found = found.filter(pl.col("scientific") | (pl.col("n_other") <= pl.max_horizontal("n_own", 2)))
        n_letters = pl.col("words").str.len_chars()
        found = found.sort("at", n_letters, "words", "named", descending=[False, True, False, False])
        own = {"own_common": words_of(pl.col("common_name")), "own_name": _binomial(pl.col("raw_name"))}
        texts = captions.select("at", "text", **own)
        others = {}
        for row in found.join(texts, on="at", maintain_order="left").iter_rows(named=True):
            if row["at"] not in others and _is_other(row):
                others[row["at"]] = row["named"]
        return pl.DataFrame(list(others.items()), schema={"at": pl.UInt32, "other": pl.String}, orient="row")

    def _uses_in(self, texts):
        """How names are used in texts, as in USES."""
        found = self._found_in(texts)
        own = found.filter("own").group_by("words").agg(n_own=pl.len(), n_other=pl.lit(0, pl.UInt32))
        other = _strange(found).group_by("words").agg(n_own=pl.lit(0, pl.UInt32), n_other=pl.len())
        return pl.concat([own, other])

    def _found_in(self, captions):
        """The names in the texts, as in FOUND."""
        texts = captions.select("at", "text", "species").drop_nulls()
        if self._names.is_empty():
            return pl.DataFrame(schema=MENTION_SCHEMA)
        return pl.concat([self._whole_names(texts), self._abbreviations(texts)])

    def _whole_names(self, texts):
        patterns = pl.lit(self._names["pattern"]).implode()
        spread = _spread(words_of(pl.col("text")))
        found = texts.select("at", "species", pattern=spread.str.extract_many(patterns, leftmost=True))
        found = (
            found.filter(pl.col("pattern").list.len() > 0).explode("pattern").join(self._names, on="pattern")
        )
        return found.select("at", "words", "named", "scientific", own=pl.col("named") == pl.col("species"))

    def _abbreviations(self, texts):
        found = texts.filter(pl.col("text").str.contains(ABBREVIATED))
        found = found.select("at", "species", short=pl.col("text").str.extract_all(ABBREVIATED)).explode(
            "short"
        )
        initial, epithet = (pl.col("short").str.extract(ABBREVIATED, part) for part in (1, 2))
        found = found.with_columns(initial=initial, epithet=epithet)
        found = found.join(self._short_names, on=["initial", "epithet"])
        own = pl.col("named") == pl.col("species")
        return found.select("at", words_of(pl.col("short")).alias("words"), "named", scientific=True, own=own)


def _strange(found):
    """The names in texts that do not name their own species."""
    return found.filter(~pl.col("own").any().over("at"))


def _spread(words):
    """Two spaces between words and one at the ends, so that words match whole and names side by side."""
    return " " + words.str.replace_all(" ", "  ", literal=True) + " "


def _binomial(name):
    return words_of(name).str.extract(r"^(\S+ \S+)")


def _is_other(row):
    own = [name for name in (row["own_common"], row["own_name"]) if name]
    if any(contains_words(row["text"], name) for name in own):
        return False
    counts = {"n_own": row["n_own"], "n_other": row["n_other"]}
    return is_subject_mention(row["text"], row["words"], scientific=row["scientific"], **counts)
