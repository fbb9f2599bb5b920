"""From delivered texts to accepted names: parsing, spelling, taxonomy; the result of each step stays visible.

A delivery of millions of rows has far fewer distinct names, so all of this works on the
distinct pairs of a category and a text.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

import polars as pl

from nearkin.labels import parse, parse_in_context, spelling, taxonomy
from nearkin.labels.settings import SpellingLimits
from nearkin.labels.taxonomy import HIGHER_RANKS
from nearkin.vocabulary import ALL

logger = logging.getLogger(__name__)


def find_missing_texts(rows: pl.DataFrame) -> pl.Series:
    """The distinct delivered texts that stand for no name at all, sorted; the empty one is among them."""
    texts = pl.concat(
        [rows[column].unique() for column in ("raw_name", "raw_name_in_captions", "genus")]
    ).unique()
    missing = [text for text in texts.drop_nulls() if parse.is_missing(text)]
    return pl.Series(sorted({"", *missing}), dtype=pl.String)


def choose_name_text(rows: pl.DataFrame, missing: pl.Series, *, fill: bool) -> pl.DataFrame:
    """The rows with the `text` to parse as a name: the label, or the replacement of a missing one.

    `filled` marks texts of the captions table, which are only used with `fill`. The rows' own genus,
    higher ranks and common name become `given_...`.
    """
    rows = rows.rename(
        {"genus": "given_genus", "common_name": "given_common_name"} | {r: f"given_{r}" for r in HIGHER_RANKS}
    )
    sources = {
        "raw_name": "given_label",
        "raw_name_in_captions": "given_caption_name",
        "given_genus": "given_genus",
    }
    rows = rows.with_columns(pl.col(column).fill_null("").alias(given) for column, given in sources.items())
    lacks_label, lacks_caption_name, lacks_genus = (
        pl.col(given).is_in(missing.implode()) for given in sources.values()
    )
    filled = lacks_label & ~lacks_caption_name & pl.lit(fill)
    by_genus = lacks_label & ~filled & ~lacks_genus
    text = (
        pl.when(filled).then("given_caption_name").when(by_genus).then("given_genus").otherwise("given_label")
    )
    return rows.with_columns(filled=filled, text=text)


def resolve_names(
    iter_chunks: Callable[[], Iterable[pl.DataFrame]],
    *,
    policies: Mapping[str, str],
    spelling_limits: SpellingLimits,
    taxonomy_path: str | Path | None,
) -> pl.DataFrame:
    """The meaning of each distinct (`category`, `text`) of the rows, and the evidence for it.

    `iter_chunks()` gives the rows, with their `text`, in chunks; an image's rows are in one chunk.
    Columns: `genus`, `species`, `infraspecies`, `defect` and `name_detail` (see `parse.Name`),
    `repairs`; `written`, `better` and `spelling` of a misspelling; `accepted_name` (of a synonym),
    `others` (the accepted names of an ambiguous one) and `in_taxonomy` (null without a taxonomy);
    its higher ranks and `common_name`.
    """
    names = _count_distinct(iter_chunks())
    parsed = _parse_texts(names["text"].unique().sort())
    names = names.join(parsed, on="text", how="left").sort("category", "text")
    genera = set(names["genus"].drop_nulls())
    known = None if taxonomy_path is None else taxonomy.read_taxonomy(taxonomy_path, genera)
    known_names = frozenset() if known is None else frozenset(known["name"])
    slips = _find_misspellings(names, known_names, spelling_limits)
    slips = _drop_confirmed(slips, names, iter_chunks())
    names = names.join(slips, on=["category", "species"], how="left").with_columns(written="species")
    names = _rename_species(names, "better") if policies["misspelling"] == "repair" else names
    names = _add_taxonomy(names, known, apply=policies["synonym"] == "repair")
    return names.sort("category", "text").drop("n_images")


def join_names(rows: pl.DataFrame, names: pl.DataFrame, *, keep_codes: bool) -> pl.DataFrame:
    """The rows with the columns of `resolve_names` and `caption_species`.

    Delivered ranks stay where the name has none. `caption_species` is the meaning of the name in the
    captions table. With `keep_codes`, a code for a cluster of DNA is the species of its genus.
    """
    rows = rows.join(names, on=["category", "text"], how="left", maintain_order="left")
    captions = names.select("category", given_caption_name="text", caption_species="species")
    rows = rows.join(captions, on=["category", "given_caption_name"], how="left", maintain_order="left")
    return _fill_delivered_ranks(_add_codes(rows) if keep_codes else rows)


def _count_distinct(chunks: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The pairs of a category and a text that occur, with the number of images that have it as a label."""
    counts = []
    for rows in chunks:
        labels = rows.group_by("category", "text").agg(n_images=pl.col("uuid").n_unique().cast(pl.Int64))
        others = rows.select("category", text="given_caption_name").unique()
        counts += [labels, others.with_columns(n_images=pl.lit(0, pl.Int64))]
    return pl.concat(counts).group_by("category", "text").agg(pl.col("n_images").sum())


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


def _drop_confirmed(slips: pl.DataFrame, names: pl.DataFrame, chunks: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The misspellings without those that also stand in a file's name."""
    texts = names.join(slips, on=["category", "species"]).select("category", "text", "species", "better")
    for rows in chunks if len(slips) else ():
        files = (
            rows.select("category", "text", "path").drop_nulls("path").join(texts, on=["category", "text"])
        )
        confirmed = sorted(spelling.find_confirmed_names(files.select("species", "path").iter_rows()))
        for name in confirmed:
            logger.warning("not repaired, since a file name has it too: %s", name)
        slips = slips.filter(~pl.col("species").is_in(confirmed))
    return slips


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


def _add_codes(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows; a code for a cluster of DNA becomes the species where there is a genus."""
    genus = pl.coalesce("genus", pl.col("given_genus").str.strip_chars().str.extract(r"^([A-Z][a-z]+)$"))
    has_code = (pl.col("defect") == "dna_barcode").fill_null(False) & genus.is_not_null()
    code = pl.col("text").str.extract(parse.CODE.pattern, 1)
    return rows.with_columns(
        genus=pl.when(has_code).then(genus).otherwise("genus"),
        species=pl.when(has_code).then(genus + pl.lit(" ") + code).otherwise("species"),
    )


def _fill_delivered_ranks(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows; ranks that the taxonomy does not have are taken as delivered, unless they are `all`."""
    columns = [*HIGHER_RANKS, "common_name"]
    delivered = {name: pl.col(f"given_{name}").str.strip_chars().replace(["", ALL], None) for name in columns}
    return rows.with_columns(**{name: pl.coalesce(name, given) for name, given in delivered.items()})
