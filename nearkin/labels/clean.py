"""Clean names of the usable images, and the rows in quarantine.

Every delivered row ends in exactly one of three ways: as a label, in the quarantine, or merged
into a row of the same image with the same name.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from tqdm import tqdm

from nearkin.labels import curation_log
from nearkin.labels.conflicts import (
    find_byte_duplicates,
    flag_conflicting_duplicates,
    flag_conflicting_rows,
)
from nearkin.labels.policies import add_filename_hints, add_name_reasons, apply_policies
from nearkin.labels.resolve import add_name_ids, choose_name_text, join_names, resolve_names
from nearkin.labels.settings import SpellingLimits
from nearkin.tables.categories import clean_category
from nearkin.tables.labels import Labels, Quarantine

logger = logging.getLogger(__name__)

FILE_REASONS = {
    "missing": ("missing_file", "listed, but no such file"),
    "unlisted": ("unlisted_file", "in no table"),
    "outside_folder": ("path_escape", "leads out of the dataset's folder; never opened"),
    "ambiguous": ("ambiguous_file", "several files match"),
    "linked_folder": ("linked_folder", "not followed: add the folder where it leads to source.follow_links"),
    "repeated_folder": ("repeated_folder", "its images are listed once, at another place"),
    "broken_link": ("broken_link", "leads nowhere: bring back the disk or folder, or remove the link"),
    "not_a_file": ("not_a_file", "a pipe or a device; never opened"),
}
"""Reason and detail of quarantined rows whose file is not certain, by `match_kind`."""

CHUNK_ROWS = 500_000
"""Rows written at once, so that memory stays bounded."""


def clean_labels(
    images: pl.DataFrame,
    inspection: pl.DataFrame,
    *,
    policies: Mapping[str, str],
    spelling_limits: SpellingLimits,
    taxonomy_path: str | Path | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Labels, Quarantine and CurationLog of the delivered images.

    `images` are sorted by their key. `policies` says what happens to each defect: repair, keep (as
    written, or at the rank that is known), quarantine or stop. `spelling_limits` are those of
    `spelling.find_misspellings`; `taxonomy_path` is a table for `taxonomy.read_taxonomy`, or None.
    Raises ValueError if no image can be read, if no image is left, or if a policy says stop.
    """
    rows = _add_file_reasons(images.rename({"category": "given_category"}), inspection)
    rows = rows.with_columns(category=clean_category(pl.col("given_category")))
    copies = find_byte_duplicates(inspection)
    del images, inspection  # millions of rows: hold what is needed
    rows = choose_name_text(
        rows, fill=policies["missing"] == "repair", keep_codes=policies["dna_barcode"] == "keep"
    )
    names = resolve_names(
        rows, policies=policies, spelling_limits=spelling_limits, taxonomy_path=taxonomy_path
    )
    names = add_name_reasons(names, policies)
    rows = apply_policies(add_name_ids(rows, names), names, policies)
    rows = flag_conflicting_rows(add_filename_hints(rows, names), names, policies)
    rows = flag_conflicting_duplicates(rows, names, copies, policies)
    parts = []
    for chunk in tqdm(
        rows.iter_slices(CHUNK_ROWS), total=len(rows) / CHUNK_ROWS, desc="labels", disable=None
    ):
        flagged = join_names(chunk, names)
        usable = flagged.filter(pl.col("reason").is_null(), ~pl.col("merged"))
        unusable = flagged.filter(pl.col("reason").is_not_null())
        parts.append((_to_labels(usable), _to_quarantine(unusable), curation_log.log_label_changes(flagged)))
    labels, quarantine, changes = (pl.concat(tables) for tables in zip(*parts, strict=True))
    if labels.is_empty():
        raise ValueError(f"no image is left: {_count_by_reason(quarantine)}")
    logger.info("%d rows: %d kept, %d quarantined", len(rows), len(labels), len(quarantine))
    if len(quarantine):
        logger.warning("rows quarantined: %s", _count_by_reason(quarantine))
    counts = changes.group_by("action", "field", "defect").len().sort("action", "field", "defect")
    for action, field, defect, n in counts.iter_rows():
        logger.info("%s: %d rows, %s %s", action, n, field, defect)
    return labels, quarantine, changes


def _count_by_reason(quarantine: pl.DataFrame) -> str:
    reasons = quarantine.group_by("reason").len().sort("len", "reason", descending=True).rows()
    return ", ".join(f"{n} {reason}" for reason, n in reasons)


def _add_file_reasons(images: pl.DataFrame, inspection: pl.DataFrame) -> pl.DataFrame:
    """The rows; `reason` and `detail` where the file is at fault, and `usable` where it is not."""
    if inspection["error"].is_null().sum() == 0:
        faulty = images.join(inspection, on="uuid").select("path", "error", "detail").head(1).rows()
        first = ": ".join(filter(None, faulty[0])) if faulty else "there is no file"
        raise ValueError(f"none of {len(inspection)} images can be read; the first: {first}")
    openable = images.filter(pl.col("path").is_not_null(), pl.col("match_kind") != "outside_folder")
    uninspected = openable.join(inspection, on="uuid", how="anti")
    if len(uninspected):
        raise ValueError(f"{uninspected['path'][0]}: not inspected; rerun inspect_images for all shards")
    problems = inspection.drop_nulls("error").select("uuid", "error", "detail")
    rows = images.join(problems, on="uuid", how="left", maintain_order="left")
    reasons = {match: reason for match, (reason, _) in FILE_REASONS.items()}
    details = {match: detail for match, (_, detail) in FILE_REASONS.items()}
    reason = pl.col("match_kind").replace_strict(reasons, default=pl.col("error"), return_dtype=pl.String)
    detail = pl.col("match_kind").replace_strict(details, default=pl.col("detail"), return_dtype=pl.String)
    return rows.with_columns(reason=reason, detail=detail, usable=reason.is_null())


def _to_labels(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(Labels.column_names())


def _to_quarantine(rows: pl.DataFrame) -> pl.DataFrame:
    path = pl.coalesce("path", "listed_name")
    detail = pl.col("detail").fill_null("")
    return rows.with_columns(path=path, detail=detail).select(Quarantine.column_names())
