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


def add_name_reasons(names: pl.DataFrame, policies: Mapping[str, str]) -> pl.DataFrame:
    """The names with a reason where a policy excludes them: `defect_reason`, `policy_reason`, and details.

    The first is for names that do not give the species, the second for those of REPAIRABLE.
    """
    defects = {word: (_is_unusable_expr(word, policies[word]), pl.col("name_detail")) for word in DEFECTS}
    strict = {
        word: fault
        for word, fault in REPAIRABLE.items()
        if word != "file_mismatch" and _is_strict(policies[word])
    }
    for kind, faults in {"defect": defects, "policy": strict}.items():
        reason = detail = pl.lit(None, dtype=pl.String)
        for word, (has_fault, evidence) in reversed(faults.items()):
            reason = pl.when(has_fault).then(pl.lit(_reason_of(word))).otherwise(reason)
            detail = pl.when(has_fault).then(evidence).otherwise(detail)
        names = names.with_columns(**{f"{kind}_reason": reason, f"{kind}_detail": detail})
    return names


def apply_policies(rows: pl.DataFrame, names: pl.DataFrame, policies: Mapping[str, str]) -> pl.DataFrame:
    """The rows with a reason where a policy excludes a defect of the name, or of the file's name.

    A reason that a row has already stays, then comes what the name lacks, then the name of the file,
    then how the name is written. `names` comes from `add_name_reasons`. Raises ValueError if a policy
    says stop.
    """
    is_mismatch, listed_as = REPAIRABLE["file_mismatch"]
    is_mismatch &= pl.lit(_is_strict(policies["file_mismatch"]))
    reasons = names.select("name_id", "defect_reason", "defect_detail", "policy_reason", "policy_detail")
    rows = rows.join(reasons, on="name_id", how="left", maintain_order="left")
    rows = rows.with_columns(
        file_reason=pl.when(is_mismatch).then(pl.lit("file_mismatch")), file_detail=listed_as
    )
    for kind in ("defect", "file", "policy"):
        is_new = pl.col("reason").is_null() & pl.col(f"{kind}_reason").is_not_null()
        rows = rows.with_columns(
            pl.when(is_new).then(f"{kind}_{column}").otherwise(column).alias(column)
            for column in ("reason", "detail")
        ).drop(f"{kind}_reason", f"{kind}_detail")
    for word in (*DEFECTS, *REPAIRABLE):
        if policies[word] == "stop":
            raise_if_any(rows.filter(reason=_reason_of(word)), names, word)
    return rows


def _is_strict(policy: str) -> bool:
    return policy in ("quarantine", "stop")


def _reason_of(word: str) -> str:
    return "no_name" if word == "missing" else word


def _is_unusable_expr(word: str, policy: str) -> pl.Expr:
    """Where this defect leaves no name under which the image could be used."""
    has_defect = pl.col("defect") == word
    return (
        has_defect & (pl.col("species" if word == "dna_barcode" else "genus").is_null())
        if policy == "keep"
        else has_defect
    )


def raise_if_any(rows: pl.DataFrame, names: pl.DataFrame, word: str) -> None:
    """Raises ValueError, naming the defect `word` and the first of `rows`, unless there are none."""
    if len(rows):
        first = rows.head(1).join(names.select("name_id", "text"), on="name_id")
        text, path = first.select("text", pl.coalesce("path", "listed_name")).row(0)
        n_rows = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
        raise ValueError(
            f"{word}: {n_rows}, the first {text!r} of {path}: fix them, or change labels.policies.{word}"
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
