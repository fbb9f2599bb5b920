"""Repaired names of the images that can be used, and the rows that were set aside.

Every delivered row ends in exactly one place: kept in the labels, set aside in the
quarantine, or merged into a row of the same image that says the same.
"""

import logging

import polars as pl
from tqdm import tqdm

from nearkin.labels import curation_log
from nearkin.labels.conflicts import (
    byte_duplicates,
    clashes,
    flag_conflicting_duplicates,
    flag_conflicting_rows,
)
from nearkin.labels.policies import add_filename_hints, apply_policies
from nearkin.labels.resolve import choose_name_text, join_names, missing_texts, resolve_names
from nearkin.tables.categories import clean_category
from nearkin.tables.labels import Labels, Quarantine

logger = logging.getLogger(__name__)

FILE_REASONS = {
    "missing": ("missing_file", "listed, but no such file"),
    "unlisted": ("unlisted_file", "in no table"),
    "outside_folder": ("path_escape", "leads out of the dataset's folder; never opened"),
    "ambiguous": ("ambiguous_file", "several files could be meant"),
    "linked_folder": ("linked_folder", "not followed: add the folder where it leads to source.follow_links"),
    "repeated_folder": ("repeated_folder", "its images are listed once, at another place"),
    "broken_link": ("broken_link", "leads nowhere: bring back the disk or folder, or remove the link"),
    "not_a_file": ("not_a_file", "a pipe or a device; never opened"),
}
"""Why a row without a certain file is set aside, by its match."""

PART = 500_000
"""Rows settled at once, so that memory stays bounded."""


def clean_labels(images, inspection, *, policies, spelling_limits, taxonomy_path=None):
    """Labels, Quarantine and Gaps of the delivered images.

    `images` are sorted by their key. `policies` says what happens to each defect: repair,
    keep (as written, or at the rank that is known), quarantine or stop. `spelling_limits`
    holds min_count and max_distance of `spelling.spelling_corrections`; `taxonomy_path` is a table for
    `taxonomy.read_taxonomy`, or None. Raises ValueError if no image can be read, if nothing is left,
    or if a policy says stop.
    """
    rows = _with_files(images.rename({"category": "given_category"}), inspection)
    rows = rows.with_columns(category=clean_category(pl.col("given_category")))
    copies = byte_duplicates(rows, inspection)
    del images, inspection  # millions of rows: hold what is needed
    missing = missing_texts(rows)

    def texts(part):
        return choose_name_text(part, missing, fill=policies["missing"] == "repair")

    told = resolve_names(
        lambda: map(texts, _parts(rows)),
        policies=policies,
        spelling_limits=spelling_limits,
        taxonomy_path=taxonomy_path,
    )
    clash = clashes(_judged(texts(rows.join(copies, on="uuid")), told, policies))
    parts = []
    for part in tqdm(map(texts, _parts(rows)), total=len(rows) / PART, desc="labels", disable=None):
        settled = flag_conflicting_duplicates(_judged(part, told, policies), clash, policies)
        aside = settled.filter(pl.col("reason").is_not_null())
        kept = settled.filter(pl.col("reason").is_null(), ~pl.col("merged"))
        parts.append((_labels(kept), _quarantine(aside), curation_log.label_changes(settled)))
    kept, aside, audit = (pl.concat(tables) for tables in zip(*parts, strict=True))
    if kept.is_empty():
        raise ValueError(f"no image is left: {_by_reason(aside)}")
    logger.info("%d rows: %d kept, %d set aside", len(rows), len(kept), len(aside))
    if len(aside):
        logger.warning("rows set aside: %s", _by_reason(aside))
    counts = audit.group_by("action", "field", "defect").len().sort("action", "field", "defect")
    for action, field, defect, n in counts.iter_rows():
        logger.info("%s: %d rows, %s %s", action, n, field, defect)
    return kept, aside, audit


def _by_reason(aside: pl.DataFrame) -> str:
    reasons = aside.group_by("reason").len().sort("len", "reason", descending=True).rows()
    return ", ".join(f"{n} {reason}" for reason, n in reasons)


def _parts(rows):
    """The rows in parts that keep an image's rows together."""
    start, uuids = 0, rows["uuid"]
    while start < len(rows):
        stop = min(start + PART, len(rows))
        while stop < len(rows) and uuids[stop] == uuids[stop - 1]:
            stop += 1
        yield rows[start:stop]
        start = stop


def _judged(rows, told, policies):
    """The rows with names, `reason` and `detail` of those to be set aside, `merged` for those that repeat."""
    rows = join_names(rows, told, keep_codes=policies["dna_barcode"] == "keep")
    rows = add_filename_hints(apply_policies(rows, policies), told)
    return flag_conflicting_rows(rows, policies)


def _with_files(images, inspection):
    """The rows with `reason` and `detail` where the file is at fault."""
    if inspection["error"].is_null().sum() == 0:
        faulty = images.join(inspection, on="uuid").select("path", "error", "detail").head(1).rows()
        said = ": ".join(filter(None, faulty[0])) if faulty else "there is no file"
        raise ValueError(f"none of {len(inspection)} images can be read; the first: {said}")
    openable = images.filter(pl.col("path").is_not_null(), pl.col("match_kind") != "outside_folder")
    unseen = openable.join(inspection, on="uuid", how="anti")
    if len(unseen):
        raise ValueError(f"{unseen['path'][0]}: not inspected; rerun inspect_images for all shards")
    problems = inspection.drop_nulls("error").select("uuid", "error", "detail")
    rows = images.join(problems, on="uuid", how="left", maintain_order="left")
    words = {match: reason for match, (reason, _) in FILE_REASONS.items()}
    details = {match: detail for match, (_, detail) in FILE_REASONS.items()}
    reason = pl.col("match_kind").replace_strict(words, default=pl.col("error"), return_dtype=pl.String)
    detail = pl.col("match_kind").replace_strict(details, default=pl.col("detail"), return_dtype=pl.String)
    return rows.with_columns(reason=reason, detail=detail, usable=reason.is_null())


def _labels(kept):
    return kept.with_columns(raw_name="raw_name").select(Labels.column_names())


def _quarantine(aside):
    path = pl.coalesce("path", "listed_name")
    detail = pl.col("detail").fill_null("")
    return aside.with_columns(path=path, detail=detail).select(Quarantine.column_names())
