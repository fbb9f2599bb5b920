"""From delivered texts to accepted names: reading, spelling, taxonomy; what each step found stays visible.

A delivery of millions of rows has far fewer distinct names, so all of this works on the
distinct pairs of a category and a text.
"""

import logging

import polars as pl

from nearkin.labels import parse, parse_in_context, spelling, taxonomy
from nearkin.labels.taxonomy import HIGHER
from nearkin.vocabulary import ALL

logger = logging.getLogger(__name__)


def missing_texts(rows):
    """The distinct delivered texts that stand for no name at all, sorted; the empty one is among them."""
    texts = pl.concat(
        [rows[column].unique() for column in ("raw_name", "raw_name_in_captions", "genus")]
    ).unique()
    missing = [text for text in texts.drop_nulls() if parse.is_missing(text)]
    return pl.Series(sorted({"", *missing}), dtype=pl.String)


def choose_name_text(rows, missing, *, fill):
    """The rows with the `text` that is to be read as a name: the label, or what stands in for a missing one.

    `filled` marks texts of the captions table, which are only taken with `fill`. The rows' own
    genus, higher ranks and common name become `given_...`.
    """
    rows = rows.rename(
        {"genus": "given_genus", "common_name": "given_common_name"} | {r: f"given_{r}" for r in HIGHER}
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


def resolve_names(parts, *, policies, spelling_limits, taxonomy_path):
    """What each distinct (`category`, `text`) of the rows means, and the evidence for it.

    `parts()` gives the rows, with their `text`, part by part; an image's rows are in one
    part. Columns: `genus`, `species`, `infraspecies`, `defect` and `name_detail` (see
    `names.Name`), `repairs`; `written`, `better` and `spelling` of a slip; `accepted_name`
    (of a synonym), `others` (accepted names between which the taxonomy leaves open) and
    `in_taxonomy` (null without one); its higher ranks and `common_name`.
    """
    told = _distinct(parts())
    told = told.join(_read(told["text"].unique().sort()), on="text", how="left").sort("category", "text")
    genera = set(told["genus"].drop_nulls())
    known = None if taxonomy_path is None else taxonomy.read_taxonomy(taxonomy_path, genera)
    slips = _slips(told, frozenset() if known is None else frozenset(known["name"]), spelling_limits)
    slips = _unconfirmed(slips, told, parts())
    told = told.join(slips, on=["category", "species"], how="left").with_columns(written="species")
    told = _renamed(told, "better") if policies["misspelling"] == "repair" else told
    told = _with_taxonomy(told, known, apply=policies["synonym"] == "repair")
    return told.sort("category", "text").drop("n_images")


def join_names(rows, told, *, keep_codes):
    """The rows with the columns of `resolve_names` and `caption_species`.

    Delivered ranks stay where the name has none. `caption_species` is what the captions table's name means.
    With `keep_codes`, a code for a cluster of DNA is the species of its genus.
    """
    rows = rows.join(told, on=["category", "text"], how="left", maintain_order="left")
    captions = told.select("category", given_caption_name="text", caption_species="species")
    rows = rows.join(captions, on=["category", "given_caption_name"], how="left", maintain_order="left")
    return _with_delivered_ranks(_with_codes(rows) if keep_codes else rows)


def _distinct(parts):
    """The pairs of a category and a text that occur, with the number of images that have it as a label."""
    counted = []
    for rows in parts:
        labels = rows.group_by("category", "text").agg(n_images=pl.col("uuid").n_unique().cast(pl.Int64))
        others = rows.select("category", text="given_caption_name").unique()
        counted += [labels, others.with_columns(n_images=pl.lit(0, pl.Int64))]
    return pl.concat(counted).group_by("category", "text").agg(pl.col("n_images").sum())


def _read(texts):
    read = [(text, *name) for text, name in parse_in_context.parse_all(texts.to_list()).items()]
    columns = ["text", "genus", "species", "infraspecies", "defect", "repairs", "name_detail"]
    types = dict.fromkeys(columns, pl.String) | {"repairs": pl.List(pl.String)}
    return pl.DataFrame(read, schema=types, orient="row")


def _slips(told, listed, limits):
    """The misspelt species of each category: the `better` name and `spelling`, the evidence."""
    slips = []
    for (category,), part in told.drop_nulls("species").group_by("category", maintain_order=True):
        used = part.filter(pl.col("n_images") > 0)
        counts = dict(used.group_by("species").agg(pl.col("n_images").sum()).sort("species").iter_rows())
        right = spelling.spelling_corrections(counts, known=listed, **limits)
        slips += [
            (category, name, better, f"{distance} off {better}, {_standing(better, counts, listed)}")
            for name, (better, distance) in right.items()
        ]
    columns = ["category", "species", "better", "spelling"]
    return pl.DataFrame(slips, schema=dict.fromkeys(columns, pl.String), orient="row")


def _unconfirmed(slips, told, parts):
    """The slips without those that a file's name says too."""
    texts = told.join(slips, on=["category", "species"]).select("category", "text", "species", "better")
    for rows in parts if len(slips) else ():
        files = (
            rows.select("category", "text", "path").drop_nulls("path").join(texts, on=["category", "text"])
        )
        certain = spelling.confirmed_by_filename(files.select("species", "path").iter_rows())
        for name in sorted(certain):
            logger.warning("not repaired, since a file name says it too: %s", name)
        slips = slips.filter(~pl.col("species").is_in(sorted(certain)))
    return slips


def _standing(name, counts, listed):
    images = f"which names {counts[name]} images" if counts.get(name) else ""
    return " and ".join(filter(None, [images, "which the taxonomy has" if name in listed else ""]))


def _with_taxonomy(told, known, *, apply):
    """The names with what the taxonomy says of them."""
    empty = [
        pl.lit(None, dtype=pl.String).alias(name)
        for name in ["accepted_name", "others", *HIGHER, "common_name"]
    ]
    if known is None:
        return told.with_columns(*empty, in_taxonomy=pl.lit(None, dtype=pl.Boolean))
    told = told.join(known.rename({"name": "species"}), on="species", how="left")
    listed = pl.col("accepted").is_not_null() | pl.col("others").is_not_null()
    told = told.with_columns(
        in_taxonomy=pl.when(pl.col("species").is_not_null()).then(listed),
        accepted_name=pl.when(pl.col("accepted") != pl.col("species")).then("accepted"),
    ).drop("accepted")
    return _renamed(told, "accepted_name") if apply else told


def _renamed(told, column):
    """The names with the one in `column`, where there is one, in the place of species and genus."""
    new = pl.col(column)
    tail = pl.col("infraspecies").str.slice(pl.col("species").str.len_chars())
    return told.with_columns(
        species=pl.coalesce(new, "species"),
        infraspecies=pl.when(new.is_null()).then("infraspecies").otherwise(new + tail),
        genus=pl.coalesce(new.str.extract(r"^(\S+)"), "genus"),
    )


def _with_codes(rows):
    genus = pl.coalesce("genus", pl.col("given_genus").str.strip_chars().str.extract(r"^([A-Z][a-z]+)$"))
    coded = (pl.col("defect") == "dna_barcode").fill_null(False) & genus.is_not_null()
    code = pl.col("text").str.extract(parse.CODE.pattern, 1)
    return rows.with_columns(
        genus=pl.when(coded).then(genus).otherwise("genus"),
        species=pl.when(coded).then(genus + pl.lit(" ") + code).otherwise("species"),
    )


def _with_delivered_ranks(rows):
    """The rows; what the taxonomy does not say of a name is taken as delivered, unless it is `all`."""
    columns = [*HIGHER, "common_name"]
    delivered = {name: pl.col(f"given_{name}").str.strip_chars().replace(["", ALL], None) for name in columns}
    return rows.with_columns(**{name: pl.coalesce(name, given) for name, given in delivered.items()})
