"""Contact sheets as images: queries, and their nearest neighbours under two models, marked if correct."""

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import matplotlib
import polars as pl
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
EMPTY_TEXT = "There is none."

CORRECT_COLOUR, WRONG_COLOUR = theme.COLOURS[0], theme.COLOURS[1]

# All lengths are in pixels.
FRAME = 3
DASH = 9
GAP, BLOCK_GAP, MARGIN = 10, 30, 24
"""Between tiles, between query, base and trained, and around the sheet."""

TILE = SIDE_PIXELS + 2 * FRAME + 4
LINE_HEIGHT = 15
TEXT_HEIGHT = 3 * LINE_HEIGHT + 6
"""Of the text under a tile."""

STEP, QUERY_STEP = TILE + GAP, TILE + TEXT_HEIGHT + GAP
"""From a tile to the next one on its right, and from a query to the next one below."""

LEFTS = [MARGIN, MARGIN + STEP + BLOCK_GAP, MARGIN + STEP + 2 * BLOCK_GAP + N_NEIGHBOURS * STEP]
"""Left edges of the query, of the neighbours under the base, and of those under the trained model."""

WIDTH = LEFTS[2] + N_NEIGHBOURS * STEP - GAP + MARGIN


def draw_contact_sheet(
    rows: pl.DataFrame, thumbnails: Mapping[str, bytes], *, sheet: str, base: str, trained: str
) -> Image.Image:
    """A contact sheet of `rows` of a `ContactSheetEntries` table; without rows it says so.

    `thumbnails` maps uuids to JPEGs. Correct neighbours have a solid frame and a tick, wrong ones
    a dashed frame and a cross.
    """
    subjects = rows.sort("position").partition_by("position", maintain_order=True)
    n_queries = sum(subject["query"].n_unique() for subject in subjects)
    height = 2 * MARGIN + 70 + len(subjects) * 40 + n_queries * QUERY_STEP + 30 * (not subjects)
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
        _draw_text(pen, (MARGIN, top + 12), _format_subject(subject), size=15, width=WIDTH - 2 * MARGIN)
        top += 40
        for query in subject.sort("query", "model", "rank").partition_by("query", maintain_order=True):
            _draw_query(image, pen, top, query, thumbnails)
            top += QUERY_STEP
    if not subjects:
        _draw_text(pen, (MARGIN, top), EMPTY_TEXT, size=15, width=WIDTH)
    return image


def save_contact_sheet(image: Image.Image, path: str | Path) -> None:
    """Write a sheet as PNG: the same sheet gives the same bytes."""
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")


def _format_subject(rows: pl.DataFrame) -> str:
    """The line above the rows of a species, or of a confusion."""
    subject = rows.row(0, named=True)
    count = theme.pluralise(subject["n"], "query")
    name = escape_invisible(subject["species"], 60)
    if subject["predicted"] is not None:
        return f"{name}, taken for {escape_invisible(subject['predicted'], 60)}: {count}"
    base, trained = (format_numbers.format_fraction(subject[model]) for model in ("base", "trained"))
    return f"{name}: species recall@1 {base} to {trained}, {count}"


def _draw_query(
    image: Image.Image,
    pen: ImageDraw.ImageDraw,
    top: int,
    rows: pl.DataFrame,
    thumbnails: Mapping[str, bytes],
) -> None:
    """Draw the row of tiles of a query, whose neighbours are `rows`."""
    first = rows.row(0, named=True)
    _draw_tile(image, (LEFTS[0], top), thumbnails.get(first["query"]))
    name = escape_invisible(first["species"], 60)
    _draw_text(pen, (LEFTS[0], top + TILE + 2), name, style="Oblique", width=TILE, lines=2)
    for row in rows.iter_rows(named=True):
        left = LEFTS[1 if row["model"] == "base" else 2] + (row["rank"] - 1) * STEP
        _draw_tile(image, (left, top), thumbnails.get(row["neighbour"]))
        _draw_frame(pen, left, top, is_correct=row["correct"])
        mark = "✓" if row["correct"] else "✗"
        _draw_text(pen, (left, top + TILE + 2), f"{mark} {row['similarity']:.3f}", width=TILE)
        name = escape_invisible(row["neighbour_label"], 60)
        _draw_text(pen, (left, top + TILE + 2 + LINE_HEIGHT), name, style="Oblique", width=TILE, lines=2)


def _draw_tile(image: Image.Image, corner: tuple[int, int], jpeg: bytes | None) -> None:
    """Draw a thumbnail in the middle of its tile; without one, a grey field."""
    left, top = corner
    if jpeg is None:
        image.paste(theme.LIGHT_GREY, (left + FRAME, top + FRAME, left + TILE - FRAME, top + TILE - FRAME))
        return
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as thumbnail:
        image.paste(thumbnail, (left + (TILE - thumbnail.width) // 2, top + (TILE - thumbnail.height) // 2))


def _draw_frame(pen: ImageDraw.ImageDraw, left: int, top: int, *, is_correct: bool) -> None:
    if is_correct:
        pen.rectangle((left, top, left + TILE - 1, top + TILE - 1), outline=CORRECT_COLOUR, width=FRAME)
        return
    for start in range(0, TILE, 2 * DASH):
        end = min(start + DASH, TILE) - 1
        for edge in (0, TILE - FRAME):
            pen.rectangle((left + start, top + edge, left + end, top + edge + FRAME - 1), fill=WRONG_COLOUR)
            pen.rectangle((left + edge, top + start, left + edge + FRAME - 1, top + end), fill=WRONG_COLOUR)


def _draw_text(
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    text: str,
    *,
    width: int,
    size: int = 12,
    style: str = "",
    lines: int = 1,
) -> None:
    """Draw a text within a width, on up to two `lines`; what does not fit ends in an ellipsis."""
    font = _load_font(style, size)
    left, top = corner
    for line in _wrap_text(text, font, width, lines):
        pen.text((left, top), line, font=font, fill=theme.TEXT)
        top += LINE_HEIGHT


def _wrap_text(text: str, font: ImageFont.FreeTypeFont, width: int, n: int) -> list[str]:
    first, *others = text.split(" ") if n > 1 else [text]
    parts = [first, " ".join(others)][: 2 if others else 1]
    return [_truncate(part, font, width) for part in parts]


def _truncate(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


@cache
def _load_font(style: str, size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib, so it is the same everywhere."""
    name = f"DejaVuSans-{style}.ttf" if style else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", name)
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
