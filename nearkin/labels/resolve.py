"""From delivered texts to accepted names: parsing, spelling, taxonomy; the result of each step stays visible.

A delivery of millions of rows has far fewer distinct names. All of this works on one table of
these, to which rows refer by `name_id`.
"""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

from nearkin.labels import parse, parse_in_context, spelling, taxonomy
from nearkin.labels.settings import SpellingLimits
from nearkin.labels.taxonomy import HIGHER_RANKS
from nearkin.vocabulary import ALL

logger = logging.getLogger(__name__)


NAME_KEY = ["category", "text", "code_genus"]
"""What names are distinct by; `code_genus` is the genus delivered with a cluster of DNA, or empty."""

TEXT_SOURCES = {
    "raw_name": "label_text",
    "raw_name_in_captions": "caption_text",
    "genus": "genus_text",
}
"""Columns that can name an image, the first that does counts, and what their texts are called."""


def choose_name_text(rows: pl.DataFrame, *, fill: bool, keep_codes: bool) -> pl.DataFrame:
    """The rows with NAME_KEY: the text to parse as a name is the label, or the replacement of a missing one.

    `filled` marks texts of the captions table, which are only used with `fill`; `caption_text` is the
    name there. With `keep_codes` the genus of a row is a part of the meaning of its code.
    """
    missing = _find_missing_texts(rows).implode()
    rows = rows.with_columns(
        pl.col(column).fill_null("").alias(text) for column, text in TEXT_SOURCES.items()
    )
    lacks_label, lacks_caption_name, lacks_genus = (
        pl.col(text).is_in(missing) for text in TEXT_SOURCES.values()
    )
    filled = lacks_label & ~lacks_caption_name & pl.lit(fill)
    by_genus = lacks_label & ~filled & ~lacks_genus
    text = pl.when(filled).then("caption_text").when(by_genus).then("genus_text").otherwise("label_text")
    rows = rows.with_columns(filled=filled, text=text).drop("label_text", "genus_text")
    genus = pl.col("genus").str.strip_chars().str.extract(r"^([A-Z][a-z]+)$")
    has_code = pl.lit(keep_codes) & pl.col("text").str.contains(parse.CODE.pattern)
    return rows.with_columns(code_genus=pl.when(has_code).then(genus).fill_null(""))


def _find_missing_texts(rows: pl.DataFrame) -> pl.Series:
    """The distinct delivered texts that stand for no name at all, sorted; the empty one is among them."""
    texts = pl.concat([rows[column].unique() for column in TEXT_SOURCES]).unique()
    missing = [text for text in texts.drop_nulls() if parse.is_missing(text)]
    return pl.Series(sorted({"", *missing}), dtype=pl.String)


def resolve_names(
    rows: pl.DataFrame,
    *,
    policies: Mapping[str, str],
    spelling_limits: SpellingLimits,
    taxonomy_path: str | Path | None,
) -> pl.DataFrame:
    """The meaning of each distinct name of `rows`, which come from `choose_name_text`, and its evidence.

    Columns: `name_id`, from 0 in the order of NAME_KEY; NAME_KEY; `genus`, `species`, `infraspecies`,
    `defect` and `name_detail` (see `parse.Name`), `repairs`; `written`, `better` and `spelling` of a
    misspelling; `accepted_name` (of a synonym), `others` (the accepted names of an ambiguous one) and
    `in_taxonomy` (null without a taxonomy); its higher ranks and `common_name`.
    """
    names = _count_distinct(rows)
    parsed = _parse_texts(names["text"].unique().sort())
    names = names.join(parsed, on="text", how="left").sort(NAME_KEY)
    genera = set(names["genus"].drop_nulls())
    known = None if taxonomy_path is None else taxonomy.read_taxonomy(taxonomy_path, genera)
    known_names = frozenset() if known is None else frozenset(known["name"])
    slips = _find_misspellings(names, known_names, spelling_limits)
    slips = _drop_confirmed(slips, names, rows)
    names = names.join(slips, on=["category", "species"], how="left").with_columns(written="species")
    names = _rename_species(names, "better") if policies["misspelling"] == "repair" else names
    names = _add_taxonomy(names, known, apply=policies["synonym"] == "repair")
    names = names.sort(NAME_KEY).drop("n_images").with_row_index("name_id")
    return _add_codes(names) if policies["dna_barcode"] == "keep" else names


def add_name_ids(rows: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The rows with the `name_id` of their name, and `caption_name_id` of that in the captions table.

    Their texts are dropped: `names` has them.
    """
    rows = rows.join(names.select("name_id", *NAME_KEY), on=NAME_KEY, how="left", maintain_order="left")
    captions = names.filter(code_genus="").select("category", caption_text="text", caption_name_id="name_id")
    rows = rows.join(captions, on=["category", "caption_text"], how="left", maintain_order="left")
    return rows.drop("text", "code_genus", "caption_text")


def join_names(rows: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns of `resolve_names` and `caption_species`, the name in the captions table.

    Ranks and common names that the taxonomy does not have are taken as delivered, unless they are `all`.
    """
    delivered = [*HIGHER_RANKS, "common_name"]
    rows = rows.drop("genus").rename({name: f"given_{name}" for name in delivered})
    rows = rows.join(names.drop("category"), on="name_id", how="left", maintain_order="left")
    captions = names.filter(pl.col("defect").ne_missing("dna_barcode"))
    captions = captions.select(caption_name_id="name_id", caption_species="species")
    rows = rows.join(captions, on="caption_name_id", how="left", maintain_order="left")
    return rows.with_columns(
        pl.coalesce(name, pl.col(f"given_{name}").str.strip_chars().replace(["", ALL], None)).alias(name)
        for name in delivered
    )


def _count_distinct(rows: pl.DataFrame) -> pl.DataFrame:
    """The names that occur, by NAME_KEY, with the number of images that have each as a label."""
    labels = rows.group_by(NAME_KEY).agg(n_images=pl.col("uuid").n_unique().cast(pl.Int64))
    others = rows.select("category", text="caption_text", code_genus=pl.lit("")).unique()
    both = pl.concat([labels, others.with_columns(n_images=pl.lit(0, pl.Int64))])
    return both.group_by(NAME_KEY).agg(pl.col("n_images").sum())


def _parse_texts(texts: pl.Series) -> pl.DataFrame:
    names = [(text, *name) for text, name in parse_in_context.parse_all(texts.to_list()).items()]
    columns = ["text", "genus", "species", "infraspecies", "defect", "repairs", "name_detail"]
    types = dict.fromkeys(columns, pl.String) | {"repairs": pl.List(pl.String)}
    return pl.DataFrame(names, schema=types, orient="row")


def _find_misspellings(names: pl.DataFrame, known: Collection[str], limits: SpellingLimits) -> pl.DataFrame:
    """The misspelt species of each category: the `better` name and `spelling`, the evidence."""
    slips = []
    for (category,), part in names.drop_nulls("species").group_by("category", maintain_order=True):
        used = part.filter(pl.col("n_images") > 0)
        counts = dict(used.group_by("species").agg(pl.col("n_images").sum()).sort("species").iter_rows())
        corrections = spelling.find_misspellings(counts, known=known, **limits)
        slips += [
            (category, name, better, f"{distance} off {better}, {_describe_use(better, counts, known)}")
            for name, (better, distance) in corrections.items()
        ]
    columns = ["category", "species", "better", "spelling"]
    return pl.DataFrame(slips, schema=dict.fromkeys(columns, pl.String), orient="row")


def _drop_confirmed(slips: pl.DataFrame, names: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The misspellings without those that also stand in a file's name."""
    texts = names.join(slips, on=["category", "species"]).select(*NAME_KEY, "species")
    files = rows.select(*NAME_KEY, "path").drop_nulls("path").join(texts, on=NAME_KEY)
    confirmed = sorted(spelling.find_confirmed_names(files.select("species", "path").iter_rows()))
    for name in confirmed:
        logger.warning("not repaired, since a file name has it too: %s", name)
    return slips.filter(~pl.col("species").is_in(confirmed))


def _describe_use(name: str, counts: Mapping[str, int], known: Collection[str]) -> str:
    images = f"which names {counts[name]} images" if counts.get(name) else ""
    return " and ".join(filter(None, [images, "which the taxonomy has" if name in known else ""]))


def _add_taxonomy(names: pl.DataFrame, known: pl.DataFrame | None, *, apply: bool) -> pl.DataFrame:
    """The names with their columns of the taxonomy; null without one."""
    empty = [
        pl.lit(None, dtype=pl.String).alias(name)
        for name in ["accepted_name", "others", *HIGHER_RANKS, "common_name"]
    ]
    if known is None:
        return names.with_columns(*empty, in_taxonomy=pl.lit(None, dtype=pl.Boolean))
    names = names.join(known.rename({"name": "species"}), on="species", how="left")
    is_known = pl.col("accepted").is_not_null() | pl.col("others").is_not_null()
    names = names.with_columns(
        in_taxonomy=pl.when(pl.col("species").is_not_null()).then(is_known),
        accepted_name=pl.when(pl.col("accepted") != pl.col("species")).then("accepted"),
    ).drop("accepted")
    return _rename_species(names, "accepted_name") if apply else names


def _rename_species(names: pl.DataFrame, column: str) -> pl.DataFrame:
    """The names; where `column` has a name, it replaces species and genus."""
    new = pl.col(column)
    tail = pl.col("infraspecies").str.slice(pl.col("species").str.len_chars())
    return names.with_columns(
        species=pl.coalesce(new, "species"),
        infraspecies=pl.when(new.is_null()).then("infraspecies").otherwise(new + tail),
        genus=pl.coalesce(new.str.extract(r"^(\S+)"), "genus"),
    )


def _add_codes(names: pl.DataFrame) -> pl.DataFrame:
    """The names; a code for a cluster of DNA becomes the species where there is a genus."""
    genus = pl.coalesce("genus", pl.col("code_genus").replace("", None))
    has_code = (pl.col("defect") == "dna_barcode").fill_null(False) & genus.is_not_null()
    code = pl.col("text").str.extract(parse.CODE.pattern, 1)
    return names.with_columns(
        genus=pl.when(has_code).then(genus).otherwise("genus"),
        species=pl.when(has_code).then(genus + pl.lit(" ") + code).otherwise("species"),
    )
