"""What was done to each delivered row, and why: one row per defect."""

from collections.abc import Iterator

import polars as pl

from nearkin.tables.labels import CurationLog
from nearkin.vocabulary import NONE

MAX_CHARS = 500
"""Characters of a text that the log quotes."""

FILE_REPAIRS = {
    "extension": ("extension_mismatch", "the only file of this name with another extension"),
    "case": ("spelling_mismatch", "the only file of this name but for case, spaces and underscores"),
    "unicode": ("name_not_normalised", "the same name in another Unicode form"),
}
"""Defect and reason where the listed name is not the file's, by `match_kind`."""

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
    "subspecies": "the binomial is used, the trinomial is kept, too",
    "subgenus": "the subgenus is no part of the binomial",
    "qualifier": "written as the name parser writes it",
}
"""What a word of `parse.Name.repairs` means."""

FIELD_BY_REASON = dict.fromkeys(["conflicting_rows", "label_conflict"], "row")
FIELD_BY_REASON |= dict.fromkeys(
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
"""The field at fault, by the reason for quarantine; `file` for all others."""


def log_label_changes(rows: pl.DataFrame) -> pl.DataFrame:
    """The CurationLog of all rows that `clean.clean_labels` has flagged or named."""
    quarantined = rows.filter(pl.col("reason").is_not_null())
    usable = rows.filter(pl.col("reason").is_null(), ~pl.col("merged"))
    field = pl.col("reason").replace_strict(FIELD_BY_REASON, default="file", return_dtype=pl.String)
    before = pl.when(field == "file").then("listed_name").otherwise("raw_name")
    why = pl.col("detail").fill_null("")
    same = "another row says the same"
    parts = [
        make_log_rows(quarantined, "quarantined", field=field, defect="reason", before=before, reason=why),
        make_log_rows(rows.filter("merged"), "merged", field="row", defect="repeated_row", reason=same),
        *_log_file_repairs(usable),
        _log_category_repairs(usable),
        *_log_name_repairs(usable),
    ]
    return pl.concat(parts)


def _log_file_repairs(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for match, (defect, reason) in FILE_REPAIRS.items():
        yield make_log_rows(
            rows.filter(match_kind=match),
            "repaired",
            field="file",
            defect=defect,
            before="listed_name",
            after=pl.col("path"),
            reason=reason,
        )


def _log_category_repairs(rows: pl.DataFrame) -> pl.DataFrame:
    changed = rows.filter(pl.col("category") != NONE, pl.col("category") != pl.col("given_category"))
    return make_log_rows(
        changed,
        "repaired",
        field="category",
        defect="spaces",
        before="given_category",
        after=pl.col("category"),
        reason="stray spaces, invisible characters and Unicode forms tell no categories apart",
    )


def _log_name_repairs(kept: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What was done to names: tables in the order of the steps."""
    name, species = pl.coalesce("infraspecies", "species", "genus"), pl.col("species")
    words = kept.with_columns(pl.col("repairs").list.unique(maintain_order=True)).explode("repairs")
    words = words.drop_nulls("repairs")
    is_plain = (pl.col("repairs") == "subspecies") & (pl.col("text") == pl.col("infraspecies"))
    meaning = pl.col("repairs").replace_strict(NAME_REPAIRS, default="", return_dtype=pl.String)
    is_fixed = species != pl.col("written")
    slips, synonyms = kept.drop_nulls("better"), kept.drop_nulls("accepted_name")
    open_names, unlisted = kept.drop_nulls("others"), kept.filter(~pl.col("in_taxonomy"))
    prefers = pl.lit("the taxonomy accepts ") + pl.col("accepted_name")
    unsure = pl.lit("a synonym of ") + pl.col("others")
    disagreeing = kept.filter(pl.col("caption_species") != species)
    other, at_rank = "the captions table names another", "kept at the rank that is known"
    parts = [
        (kept.filter("filled"), "filled", "missing", "raw_name", name, "the name in the captions table"),
        (words.filter(~is_plain), "repaired", "repairs", "text", name, meaning),
        (words.filter(is_plain), "noted", "repairs", "text", species, meaning),
        (slips.filter(is_fixed), "repaired", "misspelling", "written", pl.col("better"), pl.col("spelling")),
        (slips.filter(~is_fixed), "noted", "misspelling", "written", species, pl.col("spelling")),
        (synonyms.filter(is_fixed), "repaired", "synonym", "written", species, "accepted by the taxonomy"),
        (synonyms.filter(~is_fixed), "noted", "synonym", "written", species, prefers),
        (open_names, "noted", "ambiguous_synonym", "written", species, unsure),
        (unlisted, "noted", "not_in_taxonomy", "written", species, "kept as written"),
        (kept.drop_nulls("defect"), "noted", "defect", "text", pl.coalesce("species", "genus"), at_rank),
        (disagreeing, "noted", "names_disagree", "raw_name_in_captions", species, other),
    ]  # fmt: skip
    for rows, action, defect, before, after, reason in parts:
        yield make_log_rows(
            rows, action, field="name", defect=defect, before=before, after=after, reason=reason
        )


def make_log_rows(
    rows: pl.DataFrame,
    action: str,
    *,
    field: str | pl.Expr,
    defect: str,
    before: str | pl.Expr = "raw_name",
    after: pl.Expr | None = None,
    reason: str | pl.Expr,
) -> pl.DataFrame:
    """The CurationLog of these rows.

    `field` and `reason` are texts or expressions, `defect` a text or the name of a column
    that holds it, `before` the name of a column or an expression, `after` an expression or None.
    """
    columns = {
        "field": pl.lit(field) if isinstance(field, str) else field,
        "defect": pl.col(defect) if defect in rows.columns else pl.lit(defect),
        "path": pl.coalesce("path", "listed_name"),
        "before": truncate_expr(pl.col(before) if isinstance(before, str) else before),
        "after": pl.lit(None, dtype=pl.String) if after is None else truncate_expr(after),
        "action": pl.lit(action),
        "reason": pl.lit(reason) if isinstance(reason, str) else reason,
    }
    return rows.select("uuid", "row_index", **columns).select(CurationLog.column_names())


def truncate_expr(text: pl.Expr) -> pl.Expr:
    """The text, cut after MAX_CHARS characters and with its full length."""
    n_chars = text.str.len_chars()
    cut = pl.format("{}... ({} characters)", text.str.slice(0, MAX_CHARS), n_chars)
    return pl.when(n_chars > MAX_CHARS).then(cut).otherwise(text)
