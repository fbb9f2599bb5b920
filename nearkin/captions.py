"""One usable caption for every kept image: the delivered one, the same mended, or one from a template."""

import html
import logging
import re
import string

import ftfy
import polars as pl
from tqdm import tqdm

from nearkin import gaps
from nearkin.species_named import Namer
from nearkin.tables.labels import Captions, Gaps

logger = logging.getLogger(__name__)

LONGEST = 2000
"""Characters of a caption; no encoder reads as many."""

FIELDS = ("species", "genus", "category", "family")
"""What a template may hold in braces."""

NOTHING = {
    *(
        "nan",
        "na",
        "n/a",
        "none",
        "null",
        "nil",
        "tbd",
        "todo",
        "unknown",
        "untitled",
        "caption",
        "image",
        "photo",
    ),
    *(
        "no caption",
        "no description",
        "not available",
        "missing",
        "empty",
        "placeholder",
        "undefined",
        "test",
    ),
    *(
        "no caption available",
        "caption not available",
        "no description available",
        "string",
        "text",
        "lorem ipsum",
    ),
}
"""Whole captions, in small letters and without stops, that say nothing."""

ERROR = re.compile(
    r"^\W*(error\b|exception\b|failed\b|failure\b|traceback\b|warning:|http error|\d{3} (server|client) error"
    r"|(runtime|value|key|type|timeout|connection|cuda|outofmemory)\s?error|cuda out of memory"
    r"|(request )?timed? ?out|too many requests|rate limit|unable to (generate|process|load|describe)"
    r"|(could|can) ?not (generate|process|load|describe|open|read)|caption (generation )?failed"
    r"|an error occurred|(i'm |i am )?sorry\b|i (cannot|can't|can not|am unable|'m unable)"
    r"|as an ai\b|<class |\[error|lorem ipsum)",
    re.IGNORECASE,
)
"""How the error messages and excuses of captioning programs begin."""

NOT_PROSE = re.compile(
    r"^(https?://\S+|\S+\.(jpe?g|png|gif|tiff?|webp|bmp|txt|json)|[\W\d_]*)$", re.IGNORECASE
)
"""Captions that are an address, a file name, or hold no letter."""

HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"</?[A-Za-z][^<>]*>|<![A-Za-z][^<>]*>")
INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def completed(labels, images, *, templates):
    """Captions (one row per label) and the Gaps of what was done to them.

    `templates` are sentences with FIELDS in braces; which one fills an image is decided by
    its uuid, among those whose fields the image has. `caption_source` counts them from 1.
    Raises ValueError for a template with another field.
    """
    fields = [_fields_of(template) for template in templates]
    delivered = _delivered(labels, images)
    cleaned = [clean(text) for text in tqdm(delivered["caption"].to_list(), unit="caption", disable=None)]
    namer = Namer(
        [text for text, _, _ in cleaned], labels["species"].to_list(), genera=labels["genus"].to_list()
    )
    rows, noted = [], []
    for label, row, (text, defect, repairs) in zip(
        labels.iter_rows(named=True), delivered.iter_rows(named=True), cleaned, strict=True
    ):
        evidence = EVIDENCE.get(defect, "")
        other = None if defect else namer.other_species(text, label["species"])
        if other:
            defect, evidence = "other_species", f"it names {other}, not {label['species'] or label['genus']}"
        source = "repaired" if repairs else "delivered"
        if defect:
            number, text = _from_template(label, templates, fields)
            source = f"template:{number}"
        rows.append((label["uuid"], text, source))
        for word in [defect] if defect else repairs:
            action = "filled" if defect else "repaired"
            noted.append((label["uuid"], row["row"], label["path"], word, row["caption"], text, action,
                          evidence or EVIDENCE[word]))  # fmt: skip
    names = ["uuid", "caption", "caption_source"]
    captions = labels.join(
        pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row"), on="uuid"
    )
    for source, n in captions.group_by("caption_source").len().sort("caption_source").iter_rows():
        logger.info("%d captions: %s", n, source)
    return captions.select(Captions.column_names()), _gaps(noted)


EVIDENCE = {
    "row_missing": "no row in the captions table",
    "empty": "the caption is blank",
    "placeholder": "it says nothing",
    "error_text": "it is a message of the program that was to write it",
    "markup": "tags and entities taken out",
    "mojibake": "text that was decoded wrongly put right",
    "invisible": "characters that cannot be seen taken out",
    "whitespace": "one line, single spaces",
    "too_long": f"cut after {LONGEST} characters",
}
"""What the words for defects and repairs of captions mean."""


def clean(text):
    """The mended caption, the defect that makes it useless (or None), and the repairs made.

    >>> clean("  <p>A fish &amp; its\\r\\n reef </p>")
    ('A fish & its reef', None, ['markup', 'whitespace'])
    >>> clean("Error generating caption")[1], clean("N/A")[1], clean(None)[1]
    ('error_text', 'placeholder', 'row_missing')
    """
    if text is None:
        return "", "row_missing", []
    repairs = ["too_long"] if len(text) > 10 * LONGEST else []
    text = text[: 10 * LONGEST].rstrip() if repairs else text  # before work that grows with the length
    seen = None
    while text != seen and len(repairs) <= 2 * len(STEPS):  # one repair may uncover the need of another
        seen = text
        for word, step in STEPS:
            before, text = text, step(text)
            repairs += [word] if text != before else []
    repairs = list(dict.fromkeys(repairs))
    if not text:
        return text, "empty", repairs
    if ERROR.match(text):
        return text, "error_text", repairs
    if text.lower().strip(" .!?-[]()<>\"'") in NOTHING or NOT_PROSE.match(text):
        return text, "placeholder", repairs
    return text, None, repairs


def _without_markup(text):
    for _ in range(3):  # markup may be escaped more than once
        if "<" not in text and "&" not in text:
            break
        text = html.unescape(TAG.sub(" ", HIDDEN.sub(" ", text)))
        text = re.sub(" {2,}", " ", text).strip(" ")
    return text


def _without_invisible(text):
    return INVISIBLE.sub("", text)


def _shortened(text):
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0]


STEPS = [
    ("markup", _without_markup),
    ("mojibake", ftfy.fix_encoding),
    ("invisible", _without_invisible),
    ("whitespace", lambda text: " ".join(text.split())),
    ("too_long", _shortened),
]
"""The repairs of a caption, in this order, until nothing changes."""


def _delivered(labels, images):
    """The caption of each label, in its order: of the first row of the image that has one."""
    blank = pl.col("caption").fill_null("").str.strip_chars() == ""
    rows = images.select("uuid", "row", "caption").sort("uuid", blank, pl.col("caption").is_null(), "row")
    rows = rows.unique("uuid", keep="first", maintain_order=True)
    return labels.select("uuid").join(rows, on="uuid", how="left", maintain_order="left")


def _fields_of(template):
    fields = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    unknown = sorted(fields - set(FIELDS))
    if unknown:
        raise ValueError(f"captions.templates: {template!r} has {unknown}; allowed are {', '.join(FIELDS)}")
    return fields


def _from_template(label, templates, fields):
    """The number of the image's template, from 1, and its sentence; 0 where no template fits."""
    values = {field: label[field] for field in FIELDS if label[field]}
    values["category"] = label["category"].lower()
    fitting = [i for i, needed in enumerate(fields) if needed <= values.keys()]
    if not fitting:
        return 0, f"A photo of {label['genus']}."
    chosen = fitting[int(label["uuid"].replace("-", ""), 16) % len(fitting)]
    return chosen + 1, templates[chosen].format_map(values)


def _gaps(noted):
    names = ["uuid", "row", "path", "defect", "before", "after", "action", "evidence"]
    table = pl.DataFrame(noted, schema=dict.fromkeys(names, pl.String) | {"row": pl.Int32}, orient="row")
    for defect, n in table.group_by("defect").len().sort("defect").iter_rows():
        logger.info("%d captions: %s", n, defect)
    short = [gaps.shortened(pl.col(name)).alias(name) for name in ("before", "after")]
    return table.with_columns(*short, field=pl.lit("caption")).select(Gaps.column_names())
