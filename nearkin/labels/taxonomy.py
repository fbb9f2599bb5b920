"""Accepted names, higher ranks and common names, from a table of names in Darwin Core or ColDP.

Such tables (the GBIF backbone's Taxon.tsv, the Catalogue of Life's NameUsage.tsv) have
millions of rows: they are scanned, and only what a dataset's genera need is held.
Sources: Darwin Core terms, https://dwc.tdwg.org/terms; Catalogue of Life Data Package,
https://github.com/CatalogueOfLife/coldp
"""

import logging
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
"""Our words for the columns, and what the standards call them; the first that a table has is taken."""

HIGHER = RANKS[:-2]
"""The ranks above the genus."""

BINOMIAL = r"^([A-Z][^\s()]+)(?: \([A-Z][^\s()]+\))? ([a-z][^\s()]+)"
COLUMNS = ["name", "accepted", "others", *HIGHER, "common_name"]


def read_taxonomy(path, genera):
    """The species of these genera in the table of names at `path`, sorted, one row per binomial.

    `accepted` is the accepted binomial: the name itself, or what it is a synonym of. It is
    null where the table takes the name for a synonym of several species, which `others`
    lists. Higher ranks and the common name are those of the accepted species; null where
    the table has several such (homonyms) that differ. Raises ValueError naming the file if
    it cannot be read or has no names.
    """
    table = _scanned(path)
    wanted = pl.col("genus_word").is_in(sorted(genera))
    species = _collected(table.filter(wanted, pl.col("binomial").is_not_null(), _is("species")), path)
    species = species.filter(~pl.col("status").fill_null("").str.contains("misapplied"))
    accepted = _accepted(species, table, path).with_columns(name="binomial")
    accepted = _with_higher_ranks(accepted, table, path)
    resolved = accepted.group_by("name").agg(
        own=(pl.col("target") == pl.col("name")).any(),
        targets=pl.col("target").drop_nulls().unique().sort(),
        **{column: _if_all_agree(column) for column in [*HIGHER, "common_name"]},
    )
    one = pl.col("targets").list.len() == 1
    found = resolved.select(
        "name",
        pl.when("own").then("name").when(one).then(pl.col("targets").list.first()).alias("accepted"),
        pl.when(~pl.col("own") & ~one).then(pl.col("targets").list.join(" | ")).alias("others"),
        *HIGHER,
        "common_name",
    ).sort("name")
    n_synonyms = (found["accepted"] != found["name"]).sum()
    logger.info("%s: %d names of %d genera, %d of them synonyms", path, len(found), len(genera), n_synonyms)
    return found


def _scanned(path):
    """The table with our words for its columns, all texts, and the binomial of each name."""
    with errors.naming_errors(path, "a taxonomy"):
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
    found = {
        word: next((short[term.lower()] for term in terms if term.lower() in short), None)
        for word, terms in TERMS.items()
    }
    if not found["name"] and not (found["generic"] and found["epithet"]):
        raise ValueError(
            f"{path}: no column scientificName or canonicalName; labels.taxonomy wants Darwin Core or ColDP, "
            f"this has {', '.join(names[:20])}"
        )
    table = table.select(
        (
            pl.col(name).cast(pl.String).str.strip_chars().replace("", None)
            if name
            else pl.lit(None, pl.String)
        ).alias(word)
        for word, name in found.items()
    )
    in_words = pl.col("name").str.replace(BINOMIAL, "$1 $2").str.extract(r"^(\S+ \S+)")
    in_words = pl.when(pl.col("name").str.contains(BINOMIAL)).then(in_words)
    of_parts = pl.concat_str("generic", "epithet", separator=" ")
    return table.with_columns(
        pl.col("status", "rank").str.to_lowercase(), binomial=pl.coalesce(of_parts, in_words)
    ).with_columns(genus_word=pl.col("binomial").str.extract(r"^(\S+)"))


def _is(*ranks):
    """Whether a row is of one of these ranks; a table without ranks has species only."""
    return pl.col("rank").is_in(ranks) | (pl.col("rank").is_null() & pl.lit("species" in ranks))


def _collected(table, path):
    with errors.naming_errors(path, "a taxonomy"):
        return table.collect(engine="streaming")


def _accepted(species, table, path):
    """The rows of `species` with `target`, the accepted binomial, and that one's ranks and parent."""
    other = pl.col("accepted_name").str.replace(BINOMIAL, "$1 $2").str.extract(r"^(\S+ \S+)")
    elsewhere = (
        pl.col("status").fill_null("").str.contains("synonym")
        | (pl.col("accepted_id") != pl.col("id")).fill_null(False)
        | (other != pl.col("binomial")).fill_null(False)
    )
    key = pl.coalesce("accepted_id", other, "parent")  # ColDP: the parent of a synonym is the accepted name
    species = species.with_columns(key=pl.when(elsewhere).then(key))
    keys = species["key"].drop_nulls().unique()
    wanted = pl.col("id").is_in(keys.implode()) | (pl.col("binomial").is_in(keys.implode()) & _is("species"))
    found = _collected(table.filter(wanted, pl.col("binomial").is_not_null()), path)
    moved = [*HIGHER, "common_name", "parent"]
    found = found.select("id", target="binomial", **{f"target_{name}": name for name in moved})
    by_key = pl.concat([found.drop("id").with_columns(key=found[name]) for name in ("id", "target")])
    by_key = by_key.drop_nulls("key").unique("key", keep="first", maintain_order=True)
    species = species.join(by_key, on="key", how="left", maintain_order="left")
    here = pl.col("key").is_null()
    own = {name: pl.when(here).then(name).otherwise(f"target_{name}") for name in moved}
    return species.with_columns(target=pl.when(here).then("binomial").otherwise("target"), **own)


def _with_higher_ranks(species, table, path):
    """The rows with ranks from their parents, where the table has no columns for them."""
    lacking = species.select(pl.all_horizontal(pl.col(HIGHER).is_null().all())).item()
    if not lacking or species["parent"].is_null().all():
        return species
    above = _collected(table.filter(pl.col("rank").is_not_null(), ~_is("species", "subspecies")), path)
    above = above.select(at="id", up="parent", at_rank="rank", at_name="name").drop_nulls("at").unique("at")
    walk = species.select("parent").unique().drop_nulls().with_columns(at="parent")
    ranks = []
    for _ in range(40):  # no classification is deeper; a circle ends here too
        walk = walk.join(above, on="at", how="inner")
        if walk.is_empty():
            break
        ranks.append(walk.filter(pl.col("at_rank").is_in(HIGHER)).select("parent", "at_rank", "at_name"))
        walk = walk.select("parent", at="up").drop_nulls()
    chain = (
        pl.concat(ranks)
        if ranks
        else pl.DataFrame(schema=dict.fromkeys(["parent", "at_rank", "at_name"], pl.String))
    )
    named = [
        chain.filter(at_rank=rank).group_by("parent").agg(pl.col("at_name").first().alias(rank))
        for rank in HIGHER
    ]
    species = species.drop(HIGHER)
    for one in named:
        species = species.join(one, on="parent", how="left", maintain_order="left")
    return species


def _if_all_agree(column):
    values = pl.col(column).drop_nulls().unique()
    return pl.when(values.len() == 1).then(values.first())
