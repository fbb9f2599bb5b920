"""Contact sheets as pictures: a query, and its nearest neighbours under two models, right or wrong."""

import io
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from nearkin.figures import theme
from nearkin.gallery.examples import N_NEIGHBOURS
from nearkin.gallery.thumbnails import SIDE_PIXELS
from nearkin.html import format_numbers
from nearkin.html.visible_text import escape_invisible
from nearkin.storage.atomic import atomic_path

TITLES = {
    "best": "Species found best by {trained}",
    "worst": "Species found worst by {trained}",
    "most_improved": "Most improved species, {base} to {trained}",
    "most_worsened": "Most worsened species, {base} to {trained}",
    "confusions": "Most frequent confusions of {trained}",
}
NONE = "There is none."

RIGHT, WRONG = theme.COLOURS[0], theme.COLOURS[1]
FRAME = 3
DASH = 9
GAP, APART, MARGIN = 10, 30, 24
"""Between tiles, between query, base and trained, and around it all."""

TILE = SIDE_PIXELS + 2 * FRAME + 4
LINE = 15
BELOW = 3 * LINE + 6
"""What stands under a tile."""

STEP = TILE + GAP
LEFTS = [MARGIN, MARGIN + STEP + APART, MARGIN + STEP + 2 * APART + N_NEIGHBOURS * STEP]
"""Of the query, of those that the base finds, and of those that the trained model finds."""

WIDTH = LEFTS[2] + N_NEIGHBOURS * STEP - GAP + MARGIN


def draw_contact_sheet(rows, thumbnails, *, sheet, base, trained):
    """A contact sheet of `rows` of a `ContactSheetEntries` table; without rows it says so.

    `thumbnails` maps uuids to JPEGs. Right neighbours have a solid frame and a tick, wrong ones
    a dashed frame and a cross.
    """
    subjects = rows.sort("position").partition_by("position", maintain_order=True)
    n_queries = sum(subject["uuid"].n_unique() for subject in subjects)
    height = 2 * MARGIN + 70 + len(subjects) * 40 + n_queries * (TILE + BELOW + GAP) + 30 * (not subjects)
    image = Image.new("RGB", (WIDTH, height), "white")
    pen = ImageDraw.Draw(image)
    title = TITLES[sheet].format(base=escape_invisible(base, 40), trained=escape_invisible(trained, 40))
    _draw_text(pen, (MARGIN, MARGIN), title, size=22, style="Bold", width=WIDTH - 2 * MARGIN)
    heads = [
        "Query",
        f"Nearest by {escape_invisible(base, 40)}",
        f"Nearest by {escape_invisible(trained, 40)}",
    ]
    for left, head, n in zip(LEFTS, heads, (1, N_NEIGHBOURS, N_NEIGHBOURS), strict=True):
        _draw_text(pen, (left, MARGIN + 42), head, size=14, style="Bold", width=n * STEP)
    top = MARGIN + 70
    for subject in subjects:
        pen.line([(MARGIN, top + 4), (WIDTH - MARGIN, top + 4)], fill=theme.LIGHT_GREY)
        _draw_text(
            pen,
            (MARGIN, top + 12),
            _format_subject(subject.row(0, named=True)),
            size=15,
            width=WIDTH - 2 * MARGIN,
        )
        top += 40
        for query in subject.sort("uuid", "model", "rank").partition_by("uuid", maintain_order=True):
            _draw_query(image, pen, top, query, thumbnails)
            top += TILE + BELOW + GAP
    if not subjects:
        _draw_text(pen, (MARGIN, top), NONE, size=15, width=WIDTH)
    return image


def save_contact_sheet(image, path):
    """Write a sheet as PNG: the same sheet gives the same bytes."""
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")


def _format_subject(subject):
    """The line above a species, or a confusion."""
    counted = theme.pluralise(subject["n"], "query")
    name = escape_invisible(subject["species"], 60)
    if subject["predicted"] is not None:
        return f"{name}, taken for {escape_invisible(subject['predicted'], 60)}: {counted}"
    base, trained = (format_numbers.format_fraction(subject[model]) for model in ("base", "trained"))
    return f"{name}: species recall@1 {base} to {trained}, {counted}"


def _draw_query(image, pen, top, found, thumbnails):
    """A row of tiles."""
    first = found.row(0, named=True)
    _draw_tile(image, (LEFTS[0], top), thumbnails.get(first["uuid"]))
    name = escape_invisible(first["species"], 60)
    _draw_text(pen, (LEFTS[0], top + TILE + 2), name, style="Oblique", width=TILE, lines=2)
    for row in found.iter_rows(named=True):
        left = LEFTS[1 if row["model"] == "base" else 2] + (row["rank"] - 1) * STEP
        _draw_tile(image, (left, top), thumbnails.get(row["neighbour"]))
        _draw_frame(pen, left, top, right=row["correct"])
        mark = "✓" if row["correct"] else "✗"
        _draw_text(pen, (left, top + TILE + 2), f"{mark} {row['similarity']:.3f}", width=TILE)
        name = escape_invisible(row["neighbour_label"], 60)
        _draw_text(pen, (left, top + TILE + 2 + LINE), name, style="Oblique", width=TILE, lines=2)


def _draw_tile(image, corner, jpeg):
    """A thumbnail in the middle of its place; without one, a grey field."""
    left, top = corner
    if jpeg is None:
        image.paste(theme.LIGHT_GREY, (left + FRAME, top + FRAME, left + TILE - FRAME, top + TILE - FRAME))
        return
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
        image.paste(picture, (left + (TILE - picture.width) // 2, top + (TILE - picture.height) // 2))


def _draw_frame(pen, left, top, *, right):
    if right:
        pen.rectangle((left, top, left + TILE - 1, top + TILE - 1), outline=RIGHT, width=FRAME)
        return
    for start in range(0, TILE, 2 * DASH):
        end = min(start + DASH, TILE) - 1
        for near in (0, TILE - FRAME):
            pen.rectangle((left + start, top + near, left + end, top + near + FRAME - 1), fill=WRONG)
            pen.rectangle((left + near, top + start, left + near + FRAME - 1, top + end), fill=WRONG)


def _draw_text(pen, corner, text, *, width, size=12, style="", lines=1):
    """Words within a width, on so many lines; what does not fit ends in an ellipsis."""
    font = _load_font(style, size)
    left, top = corner
    for line in _wrap_text(text, font, width, lines):
        pen.text((left, top), line, font=font, fill=theme.TEXT)
        top += LINE


def _wrap_text(text, font, width, n):
    first, *others = text.split(" ") if n > 1 else [text]
    parts = [first, " ".join(others)][: 2 if others else 1]
    return [_truncate(part, font, width) for part in parts]


def _truncate(text, font, width):
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


@cache
def _load_font(style, size):
    """DejaVu Sans, which comes with matplotlib, so it is the same everywhere."""
    name = f"DejaVuSans-{style}.ttf" if style else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", name)
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
