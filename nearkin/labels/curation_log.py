"""What was done to each delivered row, and why: one row per defect."""

import logging

import polars as pl

from nearkin.tables.labels import CurationLog
from nearkin.vocabulary import NONE

logger = logging.getLogger(__name__)

LONGEST = 500
"""Characters of a text that are quoted in the audit."""

FILE_REPAIRS = {
    "extension": ("extension_mismatch", "the only file of this name with another extension"),
    "case": ("spelling_mismatch", "the only file of this name but for case, spaces and underscores"),
    "unicode": ("name_not_normalised", "the same name in another Unicode form"),
}
"""What was repaired where the listed name is not the file's, by its match."""

NAME_REPAIRS = {
    "markup": "tags and entities taken out",
    "escape": "percent signs and digits are characters",
    "mojibake": "text that was decoded wrongly put right",
    "underscore": "underscores are spaces",
    "separator": "another sign instead of the space, the name being known",
    "abbreviated": "the only known species with this initial and epithet",
    "gloss": "the scientific name stands in brackets after the common one",
    "spaces": "stray spaces taken out",
    "stage": "sex or stage of life is no part of the name",
    "punctuation": "quotes and stops taken off",
    "case": "genus with a capital, epithets without",
    "authorship": "author and year are no part of the name",
    "subspecies": "the binomial is used, the trinomial kept beside it",
    "subgenus": "the subgenus is no part of the binomial",
    "qualifier": "written as the name parser writes it",
}
"""What a word of `names.Name.repairs` means."""

FIELD_OF = dict.fromkeys(["conflicting_rows", "label_conflict"], "row")
FIELD_OF |= dict.fromkeys(
    [
        "no_name",
        "genus_only",
        "open_nomenclature",
        "dna_barcode",
        "hybrid",
        "multiple_names",
        "unparsable",
        "formatting",
    ]
    + ["subspecies", "misspelling", "synonym", "not_in_taxonomy"],
    "name",
)
"""The field at fault, by the reason for setting aside; `file` for all others."""


def label_changes(rows):
    """The Gaps of all rows that `labels.repaired` has judged."""
    aside = rows.filter(pl.col("reason").is_not_null())
    kept = rows.filter(pl.col("reason").is_null(), ~pl.col("merged"))
    field = pl.col("reason").replace_strict(FIELD_OF, default="file", return_dtype=pl.String)
    given = pl.when(field == "file").then("listed_name").otherwise("raw_name")
    why = pl.col("detail").fill_null("")
    same = "another row says the same"
    parts = [
        log_rows(aside, "quarantined", field=field, defect="reason", before=given, evidence=why),
        log_rows(rows.filter("merged"), "merged", field="row", defect="repeated_row", evidence=same),
        *_file_repairs(kept),
        _category_repairs(kept),
        *_name_repairs(kept),
    ]
    return pl.concat(parts)


def _file_repairs(kept):
    for match, (defect, why) in FILE_REPAIRS.items():
        rows = kept.filter(match_kind=match)
        yield log_rows(
            rows,
            "repaired",
            field="file",
            defect=defect,
            before="listed_name",
            after=pl.col("path"),
            evidence=why,
        )


def _category_repairs(kept: pl.DataFrame) -> pl.DataFrame:
    changed = kept.filter(pl.col("category") != NONE, pl.col("category") != pl.col("given_category"))
    return log_rows(
        changed,
        "repaired",
        field="category",
        defect="spaces",
        before="given_category",
        after=pl.col("category"),
        evidence="stray spaces, invisible characters and Unicode forms tell no categories apart",
    )


def _name_repairs(kept):
    """What was done to names: parts in the order in which it was done."""
    name, species = pl.coalesce("infraspecies", "species", "genus"), pl.col("species")
    words = kept.with_columns(pl.col("repairs").list.unique(maintain_order=True)).explode("repairs")
    words = words.drop_nulls("repairs")
    plain = (pl.col("repairs") == "subspecies") & (pl.col("text") == pl.col("infraspecies"))
    meaning = pl.col("repairs").replace_strict(NAME_REPAIRS, default="", return_dtype=pl.String)
    changed = species != pl.col("written")
    slips, synonyms = kept.drop_nulls("better"), kept.drop_nulls("accepted_name")
    open_names, unlisted = kept.drop_nulls("others"), kept.filter(~pl.col("in_taxonomy"))
    prefers, unsure = _text("the taxonomy accepts ", "accepted_name"), _text("a synonym of ", "others")
    disagreeing = kept.filter(pl.col("caption_species") != species)
    other = "the captions table names another"
    parts = [
        (kept.filter("filled"), "filled", "missing", "raw_name", name, "the name in the captions table"),
        (words.filter(~plain), "repaired", "repairs", "text", name, meaning),
        (words.filter(plain), "noted", "repairs", "text", species, meaning),
        (slips.filter(changed), "repaired", "misspelling", "written", pl.col("better"), pl.col("spelling")),
        (slips.filter(~changed), "noted", "misspelling", "written", species, pl.col("spelling")),
        (synonyms.filter(changed), "repaired", "synonym", "written", species, "accepted by the taxonomy"),
        (synonyms.filter(~changed), "noted", "synonym", "written", species, prefers),
        (open_names, "noted", "ambiguous_synonym", "written", species, unsure),
        (unlisted, "noted", "not_in_taxonomy", "written", species, "kept as written"),
        (kept.drop_nulls("defect"), "noted", "defect", "text", pl.coalesce("species", "genus"), HELD),
        (disagreeing, "noted", "names_disagree", "raw_name_in_captions", species, other),
    ]  # fmt: skip
    for rows, action, defect, before, after, evidence in parts:
        yield log_rows(
            rows, action, field="name", defect=defect, before=before, after=after, evidence=evidence
        )


HELD = "kept at the rank that is known"


def _text(words, column):
    return pl.lit(words) + pl.col(column)


def log_rows(rows, action, *, field, defect, before="raw_name", after=None, evidence):
    """Gaps of these rows.

    `field` and `evidence` are texts or expressions, `defect` a text or the name of a column
    that holds it, `before` the name of a column or an expression, `after` an expression or None.
    """
    columns = {
        "field": pl.lit(field) if isinstance(field, str) else field,
        "defect": pl.col(defect) if defect in rows.columns else pl.lit(defect),
        "path": pl.coalesce("path", "listed_name"),
        "before": truncate_expr(pl.col(before) if isinstance(before, str) else before),
        "after": pl.lit(None, dtype=pl.String) if after is None else truncate_expr(after),
        "action": pl.lit(action),
        "evidence": pl.lit(evidence) if isinstance(evidence, str) else evidence,
    }
    return rows.select("uuid", "row", **columns).select(CurationLog.column_names())


def truncate_expr(text):
    """The text, cut after LONGEST characters, with its length said."""
    n = text.str.len_chars()
    cut = pl.format("{}... ({} characters)", text.str.slice(0, LONGEST), n)
    return pl.when(n > LONGEST).then(cut).otherwise(text)
