"""Repaired names of the images that can be used, and the rows that were set aside.

Every delivered row ends in exactly one place: kept in the labels, set aside in the
quarantine, or merged into a row of the same image that says the same.
"""

import logging
import re
from itertools import pairwise

import polars as pl
from tqdm import tqdm

from nearkin import gaps
from nearkin.naming import missing_texts, read_names, with_names, with_texts
from nearkin.tables.labels import Labels, Quarantine

logger = logging.getLogger(__name__)

FILE_REASONS = {
    "missing": ("missing_file", "listed, but no such file"),
    "unlisted": ("unlisted_file", "in no table"),
    "outside": ("path_escape", "leads out of the dataset's folder; never opened"),
    "ambiguous": ("ambiguous_file", "several files could be meant"),
}
"""Why a row without a certain file is set aside, by its match."""

UNNAMED = ("missing", "genus_only", "open_name", "code", "hybrid", "several_names", "not_a_name")
"""Defects that leave a name without a species; the policy keep holds the image at its genus."""

STYLE = [word for word in gaps.NAME_REPAIRS if word != "subspecies"]
WRITTEN = pl.format("written {}, read as {}", "text", pl.coalesce("infraspecies", "species", "genus"))

REPAIRABLE = {
    "file_mismatch": (pl.col("match").is_in(list(gaps.FILE_REPAIRS)), pl.format("listed as {}", "listed")),
    "style": (pl.col("repairs").list.set_intersection(STYLE).list.len() > 0, WRITTEN),
    "subspecies": (pl.col("repairs").list.contains("subspecies"), WRITTEN),
    "misspelt": (pl.col("better").is_not_null(), pl.col("spelling")),
    "synonym": (pl.col("accepted_name").is_not_null(), pl.format("{} is {}", "written", "accepted_name")),
    "not_in_taxonomy": (~pl.col("in_taxonomy"), pl.format("the taxonomy has no {}", "species")),
}
"""Defects that do not keep an image from use unless the policy says so: where they are, and the evidence."""


PART = 500_000
"""Rows settled at once, so that memory stays bounded."""


def repaired(images, inspection, *, policies, misspelt_limits, taxonomy_path=None):
    """Labels, Quarantine and Gaps of the delivered images.

    `images` are sorted by their key. `policies` says what happens to each defect: repair,
    keep (as written, or at the rank that is known), quarantine or stop. `misspelt_limits`
    holds min_count and max_distance of `misspelt.corrections`; `taxonomy_path` is a table for
    `taxonomy.read`, or None. Raises ValueError if no image can be read, if nothing is left,
    or if a policy says stop.
    """
    rows = _with_files(images, inspection)
    copies = _copies(rows, inspection)
    del images, inspection  # millions of rows: hold what is needed
    missing = missing_texts(rows)

    def texts(part):
        return with_texts(part, missing, fill=policies["missing"] == "repair")

    told = read_names(
        lambda: map(texts, _parts(rows)),
        policies=policies,
        misspelt_limits=misspelt_limits,
        taxonomy_path=taxonomy_path,
    )
    clash = _clashes(_judged(texts(rows.join(copies, on="uuid")), told, policies))
    parts = []
    for part in tqdm(map(texts, _parts(rows)), total=len(rows) / PART, desc="labels", disable=None):
        settled = _with_copies_agreed(_judged(part, told, policies), clash, policies)
        aside = settled.filter(pl.col("reason").is_not_null())
        kept = settled.filter(pl.col("reason").is_null(), ~pl.col("merged"))
        parts.append((_labels(kept), _quarantine(aside), gaps.of_labels(settled)))
    kept, aside, audit = (pl.concat(tables) for tables in zip(*parts, strict=True))
    if kept.is_empty():
        reasons = aside.group_by("reason").len().sort("len", "reason", descending=True).rows()
        raise ValueError(f"no image is left: {', '.join(f'{n} {reason}' for reason, n in reasons)}")
    logger.info("%d rows: %d kept, %d set aside", len(rows), len(kept), len(aside))
    counts = audit.group_by("action", "field", "defect").len().sort("action", "field", "defect")
    for action, field, defect, n in counts.iter_rows():
        logger.info("%s: %d rows, %s %s", action, n, field, defect)
    return kept, aside, audit


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
    rows = with_names(rows, told, keep_codes=policies["code"] == "keep")
    rows = _with_hints(_with_judgements(rows, policies), told)
    return _with_rows_agreed(rows, policies)


def _with_files(images, inspection):
    """The rows with `reason` and `detail` where the file is at fault."""
    if inspection["problem"].is_null().sum() == 0:
        faulty = images.join(inspection, on="uuid").select("path", "problem", "detail").head(1).rows()
        said = ": ".join(filter(None, faulty[0])) if faulty else "there is no file"
        raise ValueError(f"none of {len(inspection)} images can be read; the first: {said}")
    openable = images.filter(pl.col("path").is_not_null(), pl.col("match") != "outside")
    unseen = openable.join(inspection, on="uuid", how="anti")
    if len(unseen):
        raise ValueError(f"{unseen['path'][0]}: not inspected; rerun inspect_images for all shards")
    problems = inspection.drop_nulls("problem").select("uuid", "problem", "detail")
    rows = images.join(problems, on="uuid", how="left", maintain_order="left")
    words = {match: reason for match, (reason, _) in FILE_REASONS.items()}
    details = {match: detail for match, (_, detail) in FILE_REASONS.items()}
    reason = pl.col("match").replace_strict(words, default=pl.col("problem"), return_dtype=pl.String)
    detail = pl.col("match").replace_strict(details, default=pl.col("detail"), return_dtype=pl.String)
    return rows.with_columns(reason=reason, detail=detail, usable=reason.is_null())


def _with_judgements(rows, policies):
    """The rows with a reason where a defect of the name, or of the file's name, is not let pass."""
    faults = [(word, _unnamed(word, policies[word]), pl.col("name_detail")) for word in UNNAMED]
    strict = [word for word in REPAIRABLE if policies[word] in ("quarantine", "stop")]
    faults += [(word, *REPAIRABLE[word]) for word in strict]
    for word, fault, detail in faults:
        found = pl.col("reason").is_null() & fault.fill_null(False)
        if policies[word] == "stop":
            _stop_at(rows.filter(found), word)
        reason = pl.lit("no_name" if word == "missing" else word)
        rows = rows.with_columns(
            reason=pl.when(found).then(reason).otherwise("reason"),
            detail=pl.when(found).then(detail).otherwise("detail"),
        )
    return rows


def _unnamed(word, policy):
    """Where this defect leaves nothing that the image could be used under."""
    unnamed = pl.col("defect") == word
    return (
        unnamed & (pl.col("species" if word == "code" else "genus").is_null())
        if policy == "keep"
        else unnamed
    )


def _stop_at(rows, word):
    if len(rows):
        text, path = rows.select("text", pl.coalesce("path", "listed")).row(0)
        raise ValueError(
            f"{word}: {len(rows)} rows or more, the first {text!r} of {path}: "
            f"mend them, or change labels.policies.{word}"
        )


def _with_hints(rows, told):
    """The rows; `detail` has the species that a nameless image's file name hints at: evidence, no repair."""
    known = set(told["species"].drop_nulls())
    nameless = rows.filter(reason="no_name").drop_nulls("path").select("path").unique(maintain_order=True)
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


def _with_rows_agreed(rows, policies):
    """The rows with a reason where rows of one image differ; `merged` marks all but the first of equal ones.

    A row without a name goes with one that has a name.
    """
    says = pl.coalesce("species", pl.concat_str("defect", pl.lit(": "), "text"))
    speaks = pl.col("usable") & pl.col("defect").ne_missing("missing")
    several = rows.filter(pl.col("row") > 0).select("uuid").unique()
    said = rows.join(several, on="uuid", how="semi").filter(speaks)
    said = said.group_by("uuid").agg(says.unique().sort().alias("said"))
    said = said.filter(pl.col("said").list.len() > 1).with_columns(pl.col("said").list.join(" | "))
    rows = rows.join(said, on="uuid", how="left", maintain_order="left")
    differing = pl.col("usable") & pl.col("said").is_not_null()
    if policies["conflicting_rows"] == "stop":
        _stop_at(rows.filter(differing), "conflicting_rows")
    rows = rows.with_columns(
        reason=pl.when(differing).then(pl.lit("conflicting_rows")).otherwise("reason"),
        detail=pl.when(differing).then(pl.lit("its rows say ") + pl.col("said")).otherwise("detail"),
    )
    fine = pl.col("reason").is_null()
    nameless = (pl.col("reason") == "no_name").fill_null(False)
    further = fine & (fine.cast(pl.Int32).cum_sum().over("uuid", order_by="row") > 1)
    rows = rows.with_columns(merged=further | (nameless & fine.any().over("uuid")))
    return rows.with_columns(reason=pl.when("merged").then(None).otherwise("reason"))


def _copies(rows, inspection):
    """The images with the same bytes as another: `uuid` and `sha256`."""
    copies = inspection.filter(pl.col("sha256").is_duplicated()).select("uuid", "sha256")
    return copies.join(rows.select("uuid").unique(), on="uuid", how="semi").sort("uuid")


def _clashes(copies):
    """What copies of the same bytes are named that do not agree: `uuid` and `copies`, the evidence."""
    fine = copies.filter(pl.col("reason").is_null()).drop_nulls("genus")
    clash = fine.group_by("sha256").agg(
        pl.max_horizontal(pl.col("genus").n_unique(), pl.col("species").drop_nulls().n_unique()).alias("n"),
        pl.format("{} ({})", pl.coalesce("species", "genus"), "path").unique().sort().head(4).alias("copies"),
    )
    clash = clash.filter(pl.col("n") > 1).select("sha256", copies=pl.col("copies").list.join(" | "))
    return fine.select("uuid", "sha256").unique().join(clash, on="sha256").drop("sha256")


def _with_copies_agreed(rows, clash, policies):
    """The rows with a reason where the same bytes are named twice, and differently."""
    rows = rows.join(clash, on="uuid", how="left", maintain_order="left")
    clashing = pl.col("reason").is_null() & pl.col("copies").is_not_null()
    if policies["label_conflict"] == "stop":
        _stop_at(rows.filter(clashing), "label_conflict")
    return rows.with_columns(
        reason=pl.when(clashing).then(pl.lit("label_conflict")).otherwise("reason"),
        detail=pl.when(clashing).then(pl.lit("the same bytes are ") + pl.col("copies")).otherwise("detail"),
        merged=pl.col("merged") & ~clashing,
    )


def _labels(kept):
    return kept.with_columns(as_delivered="label").select(Labels.column_names())


def _quarantine(aside):
    path = pl.coalesce("path", "listed")
    detail = pl.col("detail").fill_null("")
    return aside.with_columns(path=path, detail=detail).select(Quarantine.column_names())
