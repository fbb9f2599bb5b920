"""What was done to each delivered row, and why: one row per defect."""

import logging

import polars as pl

from nearkin.tables.labels import Gaps

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
    "mojibake": "text that was decoded wrongly put right",
    "underscore": "underscores are spaces",
    "spaces": "stray spaces taken out",
    "stage": "sex or stage of life is no part of the name",
    "punctuation": "quotes and stops taken off",
    "case": "genus with a capital, epithets without",
    "authorship": "author and year are no part of the name",
    "subspecies": "the trinomial is kept as infraspecies",
    "subgenus": "the subgenus is no part of the binomial",
    "qualifier": "written as the name parser writes it",
}
"""What a word of `names.Name.repairs` means."""

FIELD_OF = dict.fromkeys(["conflicting_rows", "label_conflict"], "row")
FIELD_OF |= dict.fromkeys(["no_name", "genus_only", "open_name", "hybrid", "not_a_name"], "name")
"""The field at fault, by the reason for setting aside; `file` for all others."""


def of_labels(rows):
    """The Gaps of all rows that `labels.repaired` has judged."""
    aside = rows.filter(pl.col("reason").is_not_null())
    kept = rows.filter(pl.col("reason").is_null(), ~pl.col("merged"))
    field = pl.col("reason").replace_strict(FIELD_OF, default="file", return_dtype=pl.String)
    parts = [
        rows_of(aside, "quarantined", field=field, defect="reason", evidence=pl.col("detail").fill_null("")),
        rows_of(
            rows.filter("merged"),
            "merged",
            field="row",
            defect="repeated_row",
            evidence="another row says the same",
        ),
        *_file_repairs(kept),
        *_name_repairs(kept),
    ]
    return pl.concat(parts)


def _file_repairs(kept):
    for match, (defect, why) in FILE_REPAIRS.items():
        rows = kept.filter(match=match)
        yield rows_of(
            rows, "repaired", field="file", defect=defect, before="listed", after=pl.col("path"), evidence=why
        )


def _name_repairs(kept):
    name = pl.coalesce("infraspecies", "species", "genus")
    filled = kept.filter("filled")
    yield rows_of(
        filled,
        "filled",
        field="name",
        defect="missing",
        after=name,
        evidence="the name in the captions table",
    )
    why = pl.col("repairs").replace_strict(NAME_REPAIRS, default="", return_dtype=pl.String)
    words = kept.explode("repairs").drop_nulls("repairs")
    yield rows_of(words, "repaired", field="name", defect="repairs", before="text", after=name, evidence=why)
    slips, why = kept.drop_nulls("better"), pl.col("spelling")
    yield rows_of(
        slips,
        "repaired",
        field="name",
        defect="misspelt",
        before="written",
        after=pl.col("species"),
        evidence=why,
    )
    held, why = kept.drop_nulls("defect"), "kept at the rank that is known"
    yield rows_of(
        held, "noted", field="name", defect="defect", before="text", after=pl.col("genus"), evidence=why
    )
    other, why = (
        kept.filter(pl.col("caption_species") != pl.col("species")),
        "the captions table names another",
    )
    after = pl.col("species")
    yield rows_of(
        other,
        "noted",
        field="name",
        defect="names_disagree",
        before="caption_name",
        after=after,
        evidence=why,
    )


def rows_of(rows, action, *, field, defect, before="label", after=None, evidence):
    """Gaps of these rows.

    `field` and `evidence` are texts or expressions, `defect` a text or the name of a column
    that holds it, `before` the name of a column, `after` an expression or None.
    """
    columns = {
        "field": pl.lit(field) if isinstance(field, str) else field,
        "defect": pl.col(defect) if defect in rows.columns else pl.lit(defect),
        "path": pl.coalesce("path", "listed"),
        "before": shortened(pl.col(before)),
        "after": pl.lit(None, dtype=pl.String) if after is None else shortened(after),
        "action": pl.lit(action),
        "evidence": pl.lit(evidence) if isinstance(evidence, str) else evidence,
    }
    return rows.select("uuid", "row", **columns).select(Gaps.column_names())


def shortened(text):
    """The text, cut after LONGEST characters, with its length said."""
    n = text.str.len_chars()
    cut = pl.format("{}... ({} characters)", text.str.slice(0, LONGEST), n)
    return pl.when(n > LONGEST).then(cut).otherwise(text)
