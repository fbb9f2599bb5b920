"""Accepted names, higher ranks and common names, from a table of names in Darwin Core or ColDP.

Such tables (the GBIF backbone's Taxon.tsv, the Catalogue of Life's NameUsage.tsv) have
millions of rows: they are scanned, and only what a dataset's genera need is held.
Sources: Darwin Core terms, https://dwc.tdwg.org/terms; Catalogue of Life Data Package,
https://github.com/CatalogueOfLife/coldp
"""

import logging
from collections.abc import Collection
from pathlib import Path

import polars as pl

from nearkin.sources import errors
from nearkin.vocabulary import RANKS

logger = logging.getLogger(__name__)

TERMS = {
    "id": ("taxonID", "ID"),
    "parent": ("parentNameUsageID", "parentID"),
    "accepted_id": ("acceptedNameUsageID",),
    "accepted_name": ("acceptedNameUsage", "acceptedScientificName"),
    "status": ("taxonomicStatus", "status"),
    "rank": ("taxonRank", "rank"),
    "name": ("canonicalName", "scientificName"),
    "generic": ("genericName",),
    "epithet": ("specificEpithet",),
    "common_name": ("vernacularName", "common"),
} | {rank: (rank,) for rank in RANKS[:-1]}
"""Our names of the columns, and the standards' terms; the first term that a table has is used."""

HIGHER_RANKS = RANKS[:-2]
"""The ranks above the genus."""

BINOMIAL = r"^([A-Z][^\s()]+)(?: \([A-Z][^\s()]+\))? ([a-z][^\s()]+)"


def read_taxonomy(path: str | Path, genera: Collection[str]) -> pl.DataFrame:
    """The species of these genera in the table of names at `path`, sorted, one row per binomial.

    `accepted` is the accepted binomial: the name itself, or what it is a synonym of. It is
    null where the name is a synonym of several species, which `others` lists. Higher ranks and
    the common name are those of the accepted species; null where the table has several such
    (homonyms) that differ. Raises ValueError naming the file if it cannot be read or has no names.
    """
    table = _scan_table(path)
    in_genera = pl.col("genus_word").is_in(sorted(genera))
    species = _collect(table.filter(in_genera, pl.col("binomial").is_not_null(), _has_rank("species")), path)
    species = species.filter(~pl.col("status").fill_null("").str.contains("misapplied"))
    accepted = _add_accepted(species, table, path).with_columns(name="binomial")
    accepted = _add_higher_ranks(accepted, table, path)
    resolved = accepted.group_by("name").agg(
        own=(pl.col("target") == pl.col("name")).any(),
        targets=pl.col("target").drop_nulls().unique().sort(),
        **{column: _unanimous_expr(column) for column in [*HIGHER_RANKS, "common_name"]},
    )
    is_single = pl.col("targets").list.len() == 1
    names = resolved.select(
        "name",
        pl.when("own").then("name").when(is_single).then(pl.col("targets").list.first()).alias("accepted"),
        pl.when(~pl.col("own") & ~is_single).then(pl.col("targets").list.join(" | ")).alias("others"),
        *HIGHER_RANKS,
        "common_name",
    ).sort("name")
    n_synonyms = (names["accepted"] != names["name"]).sum()
    logger.info("%s: %d names of %d genera, %d of them synonyms", path, len(names), len(genera), n_synonyms)
    return names


def _scan_table(path: str | Path) -> pl.LazyFrame:
    """The table with our names of its columns, all texts, and the binomial of each name."""
    with errors.name_errors(path, "a taxonomy"):
        if Path(path).suffix.lower() == ".parquet":
            table = pl.scan_parquet(path, glob=False)
        else:
            with open(path, encoding="utf-8-sig", errors="replace") as file:
                header = file.readline()
            delimiter = max("\t,;", key=header.count)
            table = pl.scan_csv(
                path,
                glob=False,
                separator=delimiter,
                quote_char=None if delimiter == "\t" else '"',
                infer_schema=False,
                encoding="utf8-lossy",
                truncate_ragged_lines=True,
            )
        names = table.collect_schema().names()
    short = {name.removeprefix("\ufeff").rpartition(":")[2].lower(): name for name in names}
    columns = {
        column: next((short[term.lower()] for term in terms if term.lower() in short), None)
        for column, terms in TERMS.items()
    }
    if not columns["name"] and not (columns["generic"] and columns["epithet"]):
        raise ValueError(
            f"{path}: no column scientificName or canonicalName; labels.taxonomy wants Darwin Core or ColDP, "
            f"this has {', '.join(names[:20])}"
        )
    table = table.select(
        (
            pl.col(name).cast(pl.String).str.strip_chars().replace("", None)
            if name
            else pl.lit(None, pl.String)
        ).alias(column)
        for column, name in columns.items()
    )
    in_words = pl.col("name").str.replace(BINOMIAL, "$1 $2").str.extract(r"^(\S+ \S+)")
    in_words = pl.when(pl.col("name").str.contains(BINOMIAL)).then(in_words)
    of_parts = pl.concat_str("generic", "epithet", separator=" ")
    return table.with_columns(
        pl.col("status", "rank").str.to_lowercase(), binomial=pl.coalesce(of_parts, in_words)
    ).with_columns(genus_word=pl.col("binomial").str.extract(r"^(\S+)"))


def _has_rank(*ranks: str) -> pl.Expr:
    """Whether a row is of one of these ranks; a table without ranks has species only."""
    return pl.col("rank").is_in(ranks) | (pl.col("rank").is_null() & pl.lit("species" in ranks))


def _collect(table: pl.LazyFrame, path: str | Path) -> pl.DataFrame:
    with errors.name_errors(path, "a taxonomy"):
        return table.collect(engine="streaming")


def _add_accepted(species: pl.DataFrame, table: pl.LazyFrame, path: str | Path) -> pl.DataFrame:
    """The rows of `species` with `target`, the accepted binomial, and its ranks and parent."""
    other = pl.col("accepted_name").str.replace(BINOMIAL, "$1 $2").str.extract(r"^(\S+ \S+)")
    is_synonym = (
        pl.col("status").fill_null("").str.contains("synonym")
        | (pl.col("accepted_id") != pl.col("id")).fill_null(False)
        | (other != pl.col("binomial")).fill_null(False)
    )
    key = pl.coalesce("accepted_id", other, "parent")  # ColDP: the parent of a synonym is the accepted name
    species = species.with_columns(key=pl.when(is_synonym).then(key))
    keys = species["key"].drop_nulls().unique()
    has_id, has_name = (pl.col(column).is_in(keys.implode()) for column in ("id", "binomial"))
    is_target = has_id | (has_name & _has_rank("species"))
    targets = _collect(table.filter(is_target, pl.col("binomial").is_not_null()), path)
    columns = [*HIGHER_RANKS, "common_name", "parent"]
    targets = targets.select("id", target="binomial", **{f"target_{name}": name for name in columns})
    by_key = pl.concat([targets.drop("id").with_columns(key=targets[name]) for name in ("id", "target")])
    by_key = by_key.drop_nulls("key").unique("key", keep="first", maintain_order=True)
    species = species.join(by_key, on="key", how="left", maintain_order="left")
    is_own = pl.col("key").is_null()
    own = {name: pl.when(is_own).then(name).otherwise(f"target_{name}") for name in columns}
    return species.with_columns(target=pl.when(is_own).then("binomial").otherwise("target"), **own)


def _add_higher_ranks(species: pl.DataFrame, table: pl.LazyFrame, path: str | Path) -> pl.DataFrame:
    """The rows with ranks from their parents, where the table has no columns for them."""
    has_no_ranks = species.select(pl.all_horizontal(pl.col(HIGHER_RANKS).is_null().all())).item()
    if not has_no_ranks or species["parent"].is_null().all():
        return species
    above = _collect(table.filter(pl.col("rank").is_not_null(), ~_has_rank("species", "subspecies")), path)
    above = above.select(at="id", up="parent", at_rank="rank", at_name="name").drop_nulls("at").unique("at")
    walk = species.select("parent").unique().drop_nulls().with_columns(at="parent")
    ranks = []
    for _ in range(40):  # no classification is deeper; a circle ends here too
        walk = walk.join(above, on="at", how="inner")
        if walk.is_empty():
            break
        ranks.append(
            walk.filter(pl.col("at_rank").is_in(HIGHER_RANKS)).select("parent", "at_rank", "at_name")
        )
        walk = walk.select("parent", at="up").drop_nulls()
    chain = (
        pl.concat(ranks)
        if ranks
        else pl.DataFrame(schema=dict.fromkeys(["parent", "at_rank", "at_name"], pl.String))
    )
    species = species.drop(HIGHER_RANKS)
    for rank in HIGHER_RANKS:
        names = chain.filter(at_rank=rank).group_by("parent").agg(pl.col("at_name").first().alias(rank))
        species = species.join(names, on="parent", how="left", maintain_order="left")
    return species


def _unanimous_expr(column: str) -> pl.Expr:
    """The value of a column on which all rows of a group with one agree; null if they differ."""
    values = pl.col(column).drop_nulls().unique()
    return pl.when(values.len() == 1).then(values.first())
