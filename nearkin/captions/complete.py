"""One usable caption for every kept image: from the first source by `priority` that has one."""

import logging
from collections.abc import Mapping, Sequence

import polars as pl

from nearkin.captions.cleaning import MAX_CHARS, clean_distinct, is_clean_expr
from nearkin.captions.external import match_to_images
from nearkin.captions.species_mentions import SpeciesMentionFinder
from nearkin.captions.templates import fill_templates
from nearkin.labels import curation_log
from nearkin.tables.labels import Captions, CurationLog

logger = logging.getLogger(__name__)

CHUNK_ROWS = 1_000_000
"""Labels processed at a time."""

DEFECT_DESCRIPTIONS = {
    "missing": "there is none",
    "empty": "it is blank",
    "placeholder": "it says nothing",
    "not_prose": "it is a file name, an address or data",
    "error_text": "it is a message of the program that was to write it",
    "hostile_markup": "what is taken out leaves more of the same",
    "markup": "tags, entities and markdown taken out",
    "mojibake": "text that was decoded wrongly put right",
    "escapes": "escapes of program code are characters",
    "invisible": "characters that cannot be seen taken out",
    "whitespace": "one line, single spaces",
    "too_long": f"cut after {MAX_CHARS} characters",
    "lost_characters": "signs stand for characters that were lost before the delivery",
}
"""What the words for defects and repairs mean; that of `other_species` names the species."""


def complete_captions(
    labels: pl.DataFrame,
    images: pl.DataFrame,
    tables: Sequence[pl.DataFrame],
    *,
    priority: Sequence[str],
    templates: Sequence[str],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Captions (one row per label) and the CurationLog of what was done to them.

    `priority` is the order of the sources: `delivered`, `sidecar`, `tables` (in
    their order; each with `image` and `caption`), `template`, which always has one. A caption
    that is unusable or names another species is skipped. A missing caption counts as a
    defect only of the first source that has any: the others need not have one for each image.
    Raises ValueError for a template that cannot be filled.
    """
    by_source = _collect_texts(labels, images, tables, priority)
    quarantined_names = images.join(labels, on="uuid", how="anti")["raw_name"].drop_nulls()
    finder = SpeciesMentionFinder(
        labels, [_join_species(labels, texts) for texts in by_source.values()], unlabelled=quarantined_names
    )
    with_text = [source for source, texts in by_source.items() if texts["text"].count()]
    main = next(iter(with_text or by_source), None)
    parts = []
    for start in range(0, max(len(labels), 1), CHUNK_ROWS):
        texts = {source: texts.slice(start, CHUNK_ROWS) for source, texts in by_source.items()}
        chunk = labels.slice(start, CHUNK_ROWS)
        parts.append(_choose_captions(chunk, texts, finder, main=main, templates=templates))
    captions, changes = (pl.concat(frames) for frames in zip(*parts, strict=True))
    for source, n in captions.group_by("caption_source").len().sort("caption_source").iter_rows():
        logger.info("%d captions: %s", n, source)
    for field, defect, n in changes.group_by("field", "defect").len().sort("field", "defect").iter_rows():
        logger.info("%d captions: %s %s", n, field, defect)
    return labels.hstack(captions).select(Captions.column_names()), changes


def _collect_texts(
    labels: pl.DataFrame, images: pl.DataFrame, tables: Sequence[pl.DataFrame], priority: Sequence[str]
) -> dict[str, pl.DataFrame]:
    """The texts of all sources but the template, by their name in `caption_source`.

    Each is a table of `row` (the delivered one) and `text` (null where there is none) for each
    label, in its order.
    """
    texts = {}
    for name in priority:
        if name == "delivered":
            texts[name] = _choose_texts(labels, images, pl.col("caption"))
        elif name == "sidecar":  # the line end of a text file is no part of the caption
            texts[name] = _choose_texts(labels, images, pl.col("sidecar_caption").str.replace(r"\r?\n\z", ""))
        elif name == "tables":
            for number, table in enumerate(tables, 1):
                name = f"table:{number}"
                matches = match_to_images(table, labels, name=name)
                rows = matches.select("uuid", row_index=pl.lit(0, pl.Int32), text="caption")
                texts[name] = _align_to_labels(labels, rows)
    return texts


def _choose_texts(labels: pl.DataFrame, images: pl.DataFrame, text: pl.Expr) -> pl.DataFrame:
    """The text of each label: that of the image's first row with a sound one, or else any."""
    rows = images.select("uuid", "row_index", text=text)
    several = pl.col("uuid").is_in(rows.filter(pl.col("row_index") > 0)["uuid"].implode())
    rows = rows.with_columns(several=several)
    blank, sound = pl.col("text").str.strip_chars() == "", is_clean_expr(pl.col("text"))
    chosen = rows.filter("several").sort("uuid", pl.col("text").is_null(), blank, ~sound, "row_index")
    chosen = chosen.unique("uuid", keep="first", maintain_order=True)
    return _align_to_labels(labels, pl.concat([rows.filter(~pl.col("several")), chosen]))


def _align_to_labels(labels: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    texts = labels.select("uuid").join(texts, on="uuid", how="left", maintain_order="left")
    return texts.select(pl.col("row_index").fill_null(0), "text")


def _join_species(labels: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """`at`, `text` (its first MAX_CHARS characters) and `species` of a source's texts, without nulls."""
    texts = texts.select(pl.col("text").str.head(MAX_CHARS)).hstack(labels.select("species"))
    return texts.with_row_index("at").drop_nulls()


def _choose_captions(
    labels: pl.DataFrame,
    texts: Mapping[str, pl.DataFrame],
    finder: SpeciesMentionFinder,
    *,
    main: str | None,
    templates: Sequence[str],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`caption` and `caption_source` of each label, in its order, and the CurationLog."""
    remaining, checked, chosen = labels.with_row_index("at"), [], []
    for source, rows in texts.items():
        candidates = remaining.join(rows.with_row_index("at"), on="at", maintain_order="left")
        candidates = _check_texts(candidates, finder)
        if source != main:
            candidates = candidates.filter(pl.col("defect").ne_missing("missing"))
        usable = candidates.filter(pl.col("defect").is_null())
        field = pl.lit("caption" if source == "delivered" else source)
        checked.append(candidates.with_columns(field=field))
        chosen.append(usable.select("at", caption="text", caption_source=pl.lit(source)))
        remaining = remaining.join(usable, on="at", how="anti", maintain_order="left")
    chosen.append(remaining.select("at").hstack(fill_templates(remaining, templates)))
    captions = pl.concat(chosen).sort("at")
    changes = [_log_changes(candidates, captions) for candidates in checked]
    return captions.drop("at"), pl.concat([CurationLog.create_empty(), *changes])


def _check_texts(candidates: pl.DataFrame, finder: SpeciesMentionFinder) -> pl.DataFrame:
    """The candidates with `before` and `text` (repaired), the `defect` with its `reason`, and `repairs`."""
    candidates = candidates.select(
        "at", "uuid", "path", "species", "common_name", "raw_name", "row_index", before="text"
    )
    cleaned = clean_distinct(candidates["before"].drop_nulls())
    candidates = candidates.join(cleaned, on="before", how="left", maintain_order="left")
    missing = pl.when(pl.col("before").is_null()).then(pl.lit("missing"))
    candidates = candidates.with_columns(
        text=pl.coalesce("text", "before"), defect=pl.coalesce(missing, "defect")
    )
    others = finder.find_other_species(candidates.filter(pl.col("defect").is_null()))
    candidates = candidates.join(others, on="at", how="left", maintain_order="left")
    other = pl.when(pl.col("other").is_not_null())
    names_other = pl.format("it names {}, not {}", "other", "species")
    return candidates.with_columns(
        defect=other.then(pl.lit("other_species")).otherwise("defect"),
        reason=other.then(names_other).otherwise(_describe_defect("defect")),
    )


def _log_changes(candidates: pl.DataFrame, captions: pl.DataFrame) -> pl.DataFrame:
    """The CurationLog of the defects of skipped texts, and of the repairs of the others."""
    usable = candidates.filter(pl.col("defect").is_null())
    repaired = usable.with_columns(defect="repairs").explode("defect").drop_nulls("defect")
    lost = usable.filter(pl.col("text").str.contains("\ufffd", literal=True))
    lost = lost.with_columns(defect=pl.lit("lost_characters"))
    parts = [
        candidates.filter(pl.col("defect").is_not_null()).with_columns(action=pl.lit("filled")),
        repaired.with_columns(action=pl.lit("repaired"), reason=_describe_defect("defect")),
        lost.with_columns(action=pl.lit("noted"), reason=_describe_defect("defect")),
    ]
    changes = pl.concat(parts).join(captions.select("at", after="caption"), on="at", maintain_order="left")
    short = {name: curation_log.truncate_expr(pl.col(name)) for name in ("before", "after")}
    return changes.with_columns(**short).select(CurationLog.column_names())


def _describe_defect(defect: str) -> pl.Expr:
    """Expression: the description of the word in a column."""
    return pl.col(defect).replace_strict(DEFECT_DESCRIPTIONS, default=None, return_dtype=pl.String)
