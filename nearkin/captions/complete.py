"""One usable caption for every kept image: from the first source by `priority` that has one."""

import logging

import polars as pl

from nearkin.captions.cleaning import LONGEST, clean_distinct, is_sound
from nearkin.captions.external import match_to_images
from nearkin.captions.species_mentions import SpeciesMentionFinder
from nearkin.captions.templates import fill_templates
from nearkin.labels import curation_log
from nearkin.tables.labels import Captions, CurationLog

logger = logging.getLogger(__name__)

CHUNK_ROWS = 1_000_000
"""Labels that are worked on at a time."""

EVIDENCE = {
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
    "too_long": f"cut after {LONGEST} characters",
    "lost_characters": "signs stand for characters that were lost before the delivery",
}
"""What the words for defects and repairs mean, but for `other_species`, which says which one."""


def complete_captions(labels, images, tables, *, priority, templates):
    """Captions (one row per label) and the CurationLog of what was done to them.

    `priority` says in which order they are looked for: `delivered`, `sidecar`, `tables` (in
    their order; each with `image` and `caption`), `template`, which always has one. A caption
    that is useless or names another species is passed over. That one is missing counts as a
    defect of the first source that has any: the others need not have one for each image.
    Raises ValueError for a template that cannot be filled.
    """
    by_source = _texts_by_source(labels, images, tables, priority)
    aside = images.join(labels, on="uuid", how="anti")["raw_name"].drop_nulls()
    namer = SpeciesMentionFinder(
        labels, [_told(labels, texts) for texts in by_source.values()], further=aside
    )
    with_any = [source for source, texts in by_source.items() if texts["text"].count()]
    main = next(iter(with_any or by_source), None)
    captions, found = [], []
    for start in range(0, max(len(labels), 1), CHUNK_ROWS):
        some = {source: texts.slice(start, CHUNK_ROWS) for source, texts in by_source.items()}
        part = _climbed(labels.slice(start, CHUNK_ROWS), some, namer, main=main, templates=templates)
        captions.append(part[0])
        found.append(part[1])
    captions, found = pl.concat(captions), pl.concat(found)
    for source, n in captions.group_by("caption_source").len().sort("caption_source").iter_rows():
        logger.info("%d captions: %s", n, source)
    for field, defect, n in found.group_by("field", "defect").len().sort("field", "defect").iter_rows():
        logger.info("%d captions: %s %s", n, field, defect)
    return labels.hstack(captions).select(Captions.column_names()), found


def _texts_by_source(labels, images, tables, priority):
    """What there is above the template, by its name in `caption_source`.

    Each a table of `row` (the delivered one) and `text` (null where there is none) for each
    label, in its order.
    """
    texts = {}
    for name in priority:
        if name == "delivered":
            texts[name] = _of_images(labels, images, pl.col("caption"))
        elif name == "sidecar":  # the line end of a text file is no part of the caption
            texts[name] = _of_images(labels, images, pl.col("sidecar").str.replace(r"\r?\n\z", ""))
        elif name == "tables":
            for number, table in enumerate(tables, 1):
                name = f"table:{number}"
                found = match_to_images(table, labels, name=name)
                texts[name] = _in_order(labels, found.select("uuid", row=pl.lit(0, pl.Int32), text="caption"))
    return texts


def _of_images(labels, images, text):
    """The text of each label: of the first row of the image that has a sound one, or else any."""
    rows = images.select("uuid", "row", text=text)
    several = pl.col("uuid").is_in(rows.filter(pl.col("row") > 0)["uuid"].implode())
    rows = rows.with_columns(several=several)
    blank, sound = pl.col("text").str.strip_chars() == "", is_sound(pl.col("text"))
    chosen = rows.filter("several").sort("uuid", pl.col("text").is_null(), blank, ~sound, "row")
    chosen = chosen.unique("uuid", keep="first", maintain_order=True)
    return _in_order(labels, pl.concat([rows.filter(~pl.col("several")), chosen]))


def _in_order(labels, texts):
    texts = labels.select("uuid").join(texts, on="uuid", how="left", maintain_order="left")
    return texts.select(pl.col("row").fill_null(0), "text")


def _told(labels, texts):
    """What a rung says of which species; of long texts the beginning."""
    texts = texts.select(pl.col("text").str.head(LONGEST)).hstack(labels.select("species"))
    return texts.with_row_index("at").drop_nulls()


def _climbed(labels, texts, namer, *, main, templates):
    """`caption` and `caption_source` of each label, in its order, and the Gaps."""
    left, tried, chosen = labels.with_row_index("at"), [], []
    for source, rows in texts.items():
        judged = _judged(left.join(rows.with_row_index("at"), on="at", maintain_order="left"), namer)
        if source != main:
            judged = judged.filter(pl.col("defect").ne_missing("missing"))
        taken = judged.filter(pl.col("defect").is_null())
        tried.append(judged.with_columns(field=pl.lit("caption" if source == "delivered" else source)))
        chosen.append(taken.select("at", caption="text", caption_source=pl.lit(source)))
        left = left.join(taken, on="at", how="anti", maintain_order="left")
    chosen.append(left.select("at").hstack(fill_templates(left, templates)))
    captions = pl.concat(chosen).sort("at")
    found = [_gaps(judged, captions) for judged in tried]
    return captions.drop("at"), pl.concat([CurationLog.create_empty(), *found])


def _judged(tried, namer):
    """What was tried: `before` and `text` (mended), what is wrong with it and why, and the `repairs`."""
    tried = tried.select("at", "uuid", "path", "species", "common_name", "raw_name", "row", before="text")
    mended = clean_distinct(tried["before"].drop_nulls())
    tried = tried.join(mended, on="before", how="left", maintain_order="left")
    missing = pl.when(pl.col("before").is_null()).then(pl.lit("missing"))
    tried = tried.with_columns(text=pl.coalesce("text", "before"), defect=pl.coalesce(missing, "defect"))
    others = namer.find_other_species(tried.filter(pl.col("defect").is_null()))
    tried = tried.join(others, on="at", how="left", maintain_order="left")
    other = pl.when(pl.col("other").is_not_null())
    return tried.with_columns(
        defect=other.then(pl.lit("other_species")).otherwise("defect"),
        evidence=other.then(pl.format("it names {}, not {}", "other", "species")).otherwise(
            _meaning("defect")
        ),
    )


def _gaps(judged, captions):
    """The Gaps of what is wrong with texts that were passed over, and of the repairs of others."""
    taken = judged.filter(pl.col("defect").is_null())
    repaired = taken.with_columns(defect="repairs").explode("defect").drop_nulls("defect")
    lost = taken.filter(pl.col("text").str.contains("\ufffd", literal=True))
    lost = lost.with_columns(defect=pl.lit("lost_characters"))
    found = [
        judged.filter(pl.col("defect").is_not_null()).with_columns(action=pl.lit("filled")),
        repaired.with_columns(action=pl.lit("repaired"), evidence=_meaning("defect")),
        lost.with_columns(action=pl.lit("noted"), evidence=_meaning("defect")),
    ]
    found = pl.concat(found).join(captions.select("at", after="caption"), on="at", maintain_order="left")
    short = {name: curation_log.truncate_expr(pl.col(name)) for name in ("before", "after")}
    return found.with_columns(**short).select(CurationLog.column_names())


def _meaning(defect):
    return pl.col(defect).replace_strict(EVIDENCE, default=None, return_dtype=pl.String)
