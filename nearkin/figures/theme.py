"""How all figures look: colours, names, sizes, and how they are saved.

Figures are as wide as one column of a paper. The colours are those of Okabe and Ito
(2008), which people with any colour vision can distinguish; shapes repeat what colours say.
"""

import io
import textwrap
from pathlib import Path
from typing import TypedDict

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from nearkin.storage import lineage
from nearkin.storage.atomic import atomic_path
from nearkin.vocabulary import PLURALS

COLUMN_WIDTH = 3.5
"""Width of a figure, in inches."""

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
LINE_DASHES: list[str | tuple[int, tuple[float, ...]]] = [
    "-",
    (0, (4, 1.2)),
    (0, (1, 1)),
    (0, (5, 1, 1, 1)),
    (0, (7, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
]
TEXT = "#222222"
GREY = "#767676"
LIGHT_GREY = "#DDDDDD"

LEVEL_COLOURS = {"category": COLOURS[0], "genus": COLOURS[4], "species": COLOURS[1]}
LEVEL_MARKERS = {"category": "s", "genus": "D", "species": "o"}

PROTOCOL_NAMES = {
    "leave_one_out": "Leave one out",
    "train_gallery": "Train gallery",
    "unseen_species": "Unseen species",
}


MAX_NAME_CHARS = 23

STYLE: dict[RcKeyType, str | float | bool] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": TEXT,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": LIGHT_GREY,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "text.color": TEXT,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "svg.hashsalt": "nearkin",
    "svg.fonttype": "path",  # looks the same where the font is missing
    "savefig.dpi": 300,
}

styled = mpl.rc_context(STYLE)
"""A decorator: what the function draws has the theme's looks."""


class LineStyle(TypedDict):
    """Colour and dashes of a line, as matplotlib takes them."""

    color: str
    linestyle: str | tuple[int, tuple[float, ...]]


def make_figure(height: float, width: float = COLUMN_WIDTH) -> Figure:
    """An empty figure of this size, in inches, whose parts never overlap."""
    return Figure(figsize=(width, height), layout="constrained")


def truncate(name: str) -> str:
    """A name as it is printed: on one line, and not longer than the theme allows.

    >>> truncate("Fish\\n")
    'Fish'
    """
    name = " ".join(str(name).split())
    return name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…"


def wrap(name: str, width: int) -> str:
    """A name as it is printed where space is short: on up to two lines of `width` letters.

    >>> wrap("clip_unicom_on_specimens_2", 16)
    'clip_unicom_on_s\\npecimens_2'
    """
    lines = textwrap.wrap(" ".join(str(name).split()), width) or [""]
    return "\n".join([*lines[:1], *(f"{line[:-1]}…" if len(lines) > 2 else line for line in lines[1:2])])


def pluralise(n: int, thing: str) -> str:
    """A number with its noun.

    >>> pluralise(1, "query"), pluralise(1200, "query"), pluralise(2, "species"), pluralise(2, "genus")
    ('1 query', '1,200 queries', '2 species', '2 genera')
    """
    return f"{n:,} {thing if n == 1 else PLURALS.get(thing, f'{thing}s')}"


def line_style(number: int) -> LineStyle:
    """Colour and dashes of a line, different for each of the first 36 numbers."""
    n = len(COLOURS)
    return {"color": COLOURS[number % n], "linestyle": LINE_DASHES[(number + number // n) % n]}


@styled
def render_svg(figure: Figure) -> bytes:
    """A figure as the bytes of an SVG: the same figure gives the same bytes."""
    file = io.BytesIO()
    made_from = lineage.record_as_metadata().get("made_from")
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Description": made_from})
    return file.getvalue()


@styled
def save(figure: Figure, svg_path: str | Path, png_path: str | Path) -> None:
    """Write a figure as SVG and as PNG: the same figure gives the same bytes."""
    with atomic_path(svg_path) as temporary:
        temporary.write_bytes(render_svg(figure))
    with atomic_path(png_path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
