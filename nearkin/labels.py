"""Repaired names of the images that can be used, and the rows that were set aside.

Every delivered row ends in exactly one place: kept in the labels, set aside in the
quarantine, or merged into a row of the same image that says the same.
"""

import logging
import re
from itertools import pairwise

import polars as pl

from nearkin import gaps, misspelt, names
from nearkin.tables.labels import Labels, Quarantine

logger = logging.getLogger(__name__)

FILE_REASONS = {
    "missing": ("missing_file", "listed, but no such file"),
    "unlisted": ("unlisted_file", "in no table"),
    "outside": ("path_escape", "leads out of the dataset's folder; never opened"),
    "ambiguous": ("ambiguous_file", "several files could be meant"),
}
"""Why a row without a certain file is set aside, by its match."""


def repaired(images, inspection, *, policies, misspelt_limits):
    """Labels, Quarantine and Gaps of the delivered images.

    `policies` says what happens to names of each defect (keep at the genus, quarantine or
    stop); `misspelt_limits` holds min_count and max_distance of `misspelt.corrections`.
    Raises ValueError if no image can be read, if nothing is left, or if a policy says stop.
    """
    rows = _with_files(images, inspection)
    rows = _with_names(rows)
    rows = _with_spelling(rows, misspelt_limits)
    rows = _with_hints(_with_name_reasons(rows, policies))
    rows = _with_rows_agreed(rows)
    rows = _with_copies_agreed(rows)
    aside = rows.filter(pl.col("reason").is_not_null())
    kept = rows.filter(pl.col("reason").is_null(), ~pl.col("merged"))
    if kept.is_empty():
        reasons = aside.group_by("reason").len().sort("len", "reason", descending=True).rows()
        raise ValueError(f"no image is left: {', '.join(f'{n} {reason}' for reason, n in reasons)}")
    n_merged = rows["merged"].sum()
    logger.info("%d rows: %d kept, %d set aside, %d merged", len(rows), len(kept), len(aside), n_merged)
    audit = gaps.of_labels(rows)
    counts = audit.group_by("action", "field", "defect").len().sort("action", "field", "defect")
    for action, field, defect, n in counts.iter_rows():
        logger.info("%s: %d rows, %s %s", action, n, field, defect)
    return _labels(kept), _quarantine(aside), audit


def _with_files(images, inspection):
    """The rows with `reason` and `detail` where the file is at fault."""
    if inspection["problem"].is_null().sum() == 0:
        first = inspection.sort("path").select("path", "problem", "detail").head(1).rows()
        said = ": ".join(filter(None, first[0])) if first else "there is no file"
        raise ValueError(f"none of {len(inspection)} images can be read; the first: {said}")
    found = inspection.select("uuid", "problem", "detail", "sha256")
    rows = images.join(found, on="uuid", how="left", maintain_order="left")
    openable = rows.filter(pl.col("path").is_not_null(), pl.col("match") != "outside")
    unseen = openable.filter(pl.col("sha256").is_null())
    if len(unseen):
        raise ValueError(f"{unseen['path'][0]}: not inspected; rerun inspect_images for all shards")
    words = {match: reason for match, (reason, _) in FILE_REASONS.items()}
    details = {match: detail for match, (_, detail) in FILE_REASONS.items()}
    reason = pl.col("match").replace_strict(words, default=pl.col("problem"), return_dtype=pl.String)
    detail = pl.col("match").replace_strict(details, default=pl.col("detail"), return_dtype=pl.String)
    return rows.with_columns(reason=reason, detail=detail, usable=reason.is_null())


def _with_names(rows):
    """The rows with what was read from the label, or from the captions table where that has no name."""
    rows = rows.with_columns(pl.col("label", "caption_name").fill_null("").name.prefix("given_"))
    texts = pl.concat([rows["given_label"], rows["given_caption_name"]]).unique().sort()
    read = [(text, *name) for text, name in names.read_all(texts).items()]
    columns = ["text", "genus", "species", "infraspecies", "defect", "repairs", "name_detail"]
    types = dict.fromkeys(columns, pl.String) | {"repairs": pl.List(pl.String)}
    table = pl.DataFrame(read, schema=types, orient="row")
    missing = table.filter(pl.col("defect") == "missing")["text"].implode()
    lacking = pl.col("given_label").is_in(missing)
    rows = rows.with_columns(filled=lacking & ~pl.col("given_caption_name").is_in(missing))
    rows = rows.with_columns(text=pl.when("filled").then("given_caption_name").otherwise("given_label"))
    told = table.select(given_caption_name="text", caption_species="species")
    rows = rows.join(table, on="text", how="left", maintain_order="left")
    return rows.join(told, on="given_caption_name", how="left", maintain_order="left")


def _with_spelling(rows, limits):
    """The rows with misspelt epithets put right; `spelling` holds the evidence."""
    slips = []
    for (category,), part in rows.drop_nulls("species").group_by("category", maintain_order=True):
        counts = dict(part.group_by("species").agg(pl.col("uuid").n_unique()).iter_rows())
        right = misspelt.corrections(counts, **limits)
        certain = misspelt.confirmed(right, part.drop_nulls("path").select("species", "path").iter_rows())
        for name in sorted(certain):
            logger.warning("not repaired, since a file name says it too: %s (%s?)", name, right[name][0])
        slips += [
            (category, name, better, f"{distance} off {better}, which names {counts[better]} images")
            for name, (better, distance) in right.items()
            if name not in certain
        ]
    columns = ["category", "species", "better", "spelling"]
    table = pl.DataFrame(slips, schema=dict.fromkeys(columns, pl.String), orient="row")
    told = table.select("category", caption_species="species", caption_better="better")
    rows = rows.join(table, on=["category", "species"], how="left", maintain_order="left")
    rows = rows.join(told, on=["category", "caption_species"], how="left", maintain_order="left")
    tail = pl.col("infraspecies").str.slice(pl.col("species").str.len_chars())
    return rows.with_columns(
        written="species",
        species=pl.coalesce("better", "species"),
        infraspecies=pl.when(pl.col("better").is_null())
        .then("infraspecies")
        .otherwise(pl.col("better") + tail),
        caption_species=pl.coalesce("caption_better", "caption_species"),
    )


def _with_name_reasons(rows, policies):
    """The rows with a reason where the name does not tell the species and is not kept at its genus."""
    open_question = pl.col("usable") & pl.col("defect").is_not_null()
    for defect in [defect for defect, policy in policies.items() if policy == "stop"]:
        stopping = rows.filter(open_question, pl.col("defect") == defect)
        if len(stopping):
            text, path = stopping.row(0, named=True)["text"], stopping["path"][0]
            raise ValueError(
                f"{len(stopping)} names are {defect}, the first {text!r} of {path}: "
                f"mend them, or change labels.policies.{defect}"
            )
    held = [defect for defect, policy in policies.items() if policy == "keep"]
    faulty = open_question & ~(pl.col("defect").is_in(held) & pl.col("genus").is_not_null())
    return rows.with_columns(
        reason=pl.when(faulty).then(pl.col("defect").replace("missing", "no_name")).otherwise("reason"),
        detail=pl.when(faulty).then("name_detail").otherwise("detail"),
    )


def _with_hints(rows):
    """The rows; `detail` has the species that a nameless image's file name hints at: evidence, no repair."""
    known = set(rows["species"].drop_nulls())
    nameless = (
        rows.filter(pl.col("reason") == "no_name")
        .drop_nulls("path")
        .select("path")
        .unique(maintain_order=True)
    )
    hints = []
    for path in nameless["path"]:
        words = re.findall(r"[^\W\d_]+", path.rsplit("/", 1)[-1])
        pairs = [" ".join(pair).capitalize() for pair in pairwise(words)]
        hints += [(path, f"; its file name hints at {name}") for name in pairs if name in known][:1]
    table = pl.DataFrame(hints, schema={"path": pl.String, "hint": pl.String}, orient="row")
    rows = rows.join(table, on="path", how="left", maintain_order="left")
    hinted = (pl.col("reason") == "no_name") & pl.col("hint").is_not_null()
    return rows.with_columns(
        detail=pl.when(hinted).then(pl.col("detail") + pl.col("hint")).otherwise("detail")
    )


def _with_rows_agreed(rows):
    """The rows with a reason where rows of one image differ; `merged` marks all but the first of equal ones.

    A row without a name goes with one that has a name.
    """
    says = pl.coalesce("species", pl.concat_str("defect", pl.lit(": "), "text"))
    rows = rows.with_columns(
        says=pl.when(pl.col("usable") & pl.col("defect").ne_missing("missing")).then(says)
    )
    said = rows.drop_nulls("says").group_by("uuid").agg(pl.col("says").unique().sort())
    said = said.filter(pl.col("says").list.len() > 1).select("uuid", said=pl.col("says").list.join(" | "))
    rows = rows.join(said, on="uuid", how="left", maintain_order="left")
    differing = pl.col("usable") & pl.col("said").is_not_null()
    rows = rows.with_columns(
        reason=pl.when(differing).then(pl.lit("conflicting_rows")).otherwise("reason"),
        detail=pl.when(differing).then(pl.lit("its rows say ") + pl.col("said")).otherwise("detail"),
    )
    fine = pl.col("reason").is_null()
    nameless = (pl.col("reason") == "no_name").fill_null(False)
    further = fine & (fine.cast(pl.Int32).cum_sum().over("uuid", order_by="row") > 1)
    rows = rows.with_columns(merged=further | (nameless & fine.any().over("uuid")))
    return rows.with_columns(reason=pl.when("merged").then(None).otherwise("reason"))


def _with_copies_agreed(rows):
    """The rows with a reason where the same bytes are named twice, and differently."""
    fine = rows.filter(pl.col("reason").is_null()).drop_nulls("genus")
    clash = fine.group_by("sha256").agg(
        pl.max_horizontal(pl.col("genus").n_unique(), pl.col("species").drop_nulls().n_unique()).alias("n"),
        pl.format("{} ({})", pl.coalesce("species", "genus"), "path").unique().sort().head(4).alias("copies"),
    )
    clash = clash.filter(pl.col("n") > 1).select("sha256", copies=pl.col("copies").list.join(" | "))
    rows = rows.join(clash, on="sha256", how="left", maintain_order="left")
    clashing = pl.col("reason").is_null() & pl.col("copies").is_not_null()
    return rows.with_columns(
        reason=pl.when(clashing).then(pl.lit("label_conflict")).otherwise("reason"),
        detail=pl.when(clashing).then(pl.lit("the same bytes are ") + pl.col("copies")).otherwise("detail"),
        merged=pl.col("merged") & ~clashing,
    )


def _labels(kept):
    ranks = ["kingdom", "phylum", "class", "order", "family"]
    empty = [pl.lit(None, dtype=pl.String).alias(rank) for rank in ranks]
    kept = kept.with_columns(*empty, as_delivered="label")
    return kept.select(Labels.column_names())


def _quarantine(aside):
    path = pl.coalesce("path", "listed")
    detail = pl.col("detail").fill_null("")
    return aside.with_columns(path=path, detail=detail).select(Quarantine.column_names())
