"""Which rows cannot be used because of a defect of the name, or of the file's name: the config's policies."""

import re
from collections.abc import Mapping
from itertools import pairwise

import polars as pl

from nearkin.labels import curation_log
from nearkin.labels.parse import DEFECTS

STYLE = [word for word in curation_log.NAME_REPAIRS if word != "subspecies"]
AS_WRITTEN = pl.format("written {}, read as {}", "text", pl.coalesce("infraspecies", "species", "genus"))

REPAIRABLE = {
    "file_mismatch": (
        pl.col("match_kind").is_in(list(curation_log.FILE_REPAIRS)),
        pl.format("listed as {}", "listed_name"),
    ),
    "formatting": (pl.col("repairs").list.set_intersection(STYLE).list.len() > 0, AS_WRITTEN),
    "subspecies": (pl.col("repairs").list.contains("subspecies"), AS_WRITTEN),
    "misspelling": (pl.col("better").is_not_null(), pl.col("spelling")),
    "synonym": (pl.col("accepted_name").is_not_null(), pl.format("{} is {}", "written", "accepted_name")),
    "not_in_taxonomy": (~pl.col("in_taxonomy"), pl.format("the taxonomy has no {}", "species")),
}
"""Defects that exclude no image unless the policy says so: where they are, and the evidence."""


def apply_policies(rows: pl.DataFrame, policies: Mapping[str, str]) -> pl.DataFrame:
    """The rows with a reason where a policy excludes a defect of the name, or of the file's name."""
    faults = [(word, _is_unusable_expr(word, policies[word]), pl.col("name_detail")) for word in DEFECTS]
    strict = [word for word in REPAIRABLE if policies[word] in ("quarantine", "stop")]
    faults += [(word, *REPAIRABLE[word]) for word in strict]
    for word, has_fault, detail in faults:
        is_new = pl.col("reason").is_null() & has_fault.fill_null(False)
        if policies[word] == "stop":
            raise_if_any(rows.filter(is_new), word)
        reason = pl.lit("no_name" if word == "missing" else word)
        rows = rows.with_columns(
            reason=pl.when(is_new).then(reason).otherwise("reason"),
            detail=pl.when(is_new).then(detail).otherwise("detail"),
        )
    return rows


def _is_unusable_expr(word: str, policy: str) -> pl.Expr:
    """Where this defect leaves no name under which the image could be used."""
    has_defect = pl.col("defect") == word
    return (
        has_defect & (pl.col("species" if word == "dna_barcode" else "genus").is_null())
        if policy == "keep"
        else has_defect
    )


def raise_if_any(rows: pl.DataFrame, word: str) -> None:
    """Raises ValueError, naming the defect `word` and the first of `rows`, unless there are none."""
    if len(rows):
        text, path = rows.select("text", pl.coalesce("path", "listed_name")).row(0)
        raise ValueError(
            f"{word}: {len(rows)} rows or more, the first {text!r} of {path}: "
            f"fix them, or change labels.policies.{word}"
        )


def add_filename_hints(rows: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The rows; `detail` has the species that a nameless image's file name hints at: evidence, no repair."""
    known = set(names["species"].drop_nulls())
    nameless = rows.filter(reason="no_name").drop_nulls("path").select("path").unique(maintain_order=True)
    hints: list[tuple[str, str]] = []
    for path in nameless["path"]:
        words = re.findall(r"[^\W\d_]+", path.rsplit("/", 1)[-1])
        pairs = [" ".join(pair).capitalize() for pair in pairwise(words)]
        hints += [(path, f"; its file name hints at {name}") for name in pairs if name in known][:1]
    table = pl.DataFrame(hints, schema={"path": pl.String, "hint": pl.String}, orient="row")
    rows = rows.join(table, on="path", how="left", maintain_order="left")
    has_hint = (pl.col("reason") == "no_name") & pl.col("hint").is_not_null()
    return rows.with_columns(
        detail=pl.when(has_hint).then(pl.col("detail") + pl.col("hint")).otherwise("detail")
    )
