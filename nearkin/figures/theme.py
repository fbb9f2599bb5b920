"""How all figures look: colours, names, sizes, and how they are saved.

Figures are as wide as one column of a paper. The colours are those of Okabe and Ito
(2008), which people with any colour vision can tell apart; shapes repeat what colours say.
"""

import io
import textwrap

import matplotlib as mpl
from matplotlib.figure import Figure

from nearkin.storage import lineage
from nearkin.storage.atomic import atomic_path
from nearkin.vocabulary import PLURALS

COLUMN = 3.5
"""Width of a figure, in inches."""

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
LINES = ["-", (0, (4, 1.2)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (7, 1.5)), (0, (3, 1, 1, 1, 1, 1))]
INK = "#222222"
QUIET = "#767676"
FAINT = "#DDDDDD"

LEVEL_COLOURS = {"category": COLOURS[0], "genus": COLOURS[4], "species": COLOURS[1]}
LEVEL_MARKERS = {"category": "s", "genus": "D", "species": "o"}

PROTOCOL_NAMES = {
    "leave_one_out": "Leave one out",
    "search": "Search",
    "unseen": "Unseen species",
}


LONGEST_NAME = 23

STYLE = {
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
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "svg.hashsalt": "nearkin",
    "svg.fonttype": "path",  # looks the same where the font is missing
    "savefig.dpi": 300,
}

styled = mpl.rc_context(STYLE)
"""A decorator: what the function draws has the theme's looks."""


def figure(height, width=COLUMN):
    """An empty figure of so many inches, which lays its parts out without overlap."""
    return Figure(figsize=(width, height), layout="constrained")


def shown(name):
    """A name as it is printed: on one line, and not longer than the theme allows.

    >>> shown("Fish\\n")
    'Fish'
    """
    name = " ".join(str(name).split())
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def wrapped(name, width):
    """A name as it is printed where there is little room: on up to two lines of `width` letters.

    >>> wrapped("clip_unicom_on_specimens_2", 16)
    'clip_unicom_on_s\\npecimens_2'
    """
    lines = textwrap.wrap(" ".join(str(name).split()), width) or [""]
    return "\n".join([*lines[:1], *(f"{line[:-1]}…" if len(lines) > 2 else line for line in lines[1:2])])


def counted(n, thing):
    """A number with its noun.

    >>> counted(1, "query"), counted(1200, "query"), counted(2, "species"), counted(2, "genus")
    ('1 query', '1,200 queries', '2 species', '2 genera')
    """
    return f"{n:,} {thing if n == 1 else PLURALS.get(thing, f'{thing}s')}"


def line_of(number):
    """Colour and dashes of a line, different for each of the first 36 numbers."""
    n = len(COLOURS)
    return {"color": COLOURS[number % n], "linestyle": LINES[(number + number // n) % n]}


@styled
def svg(drawn):
    """A figure as the bytes of an SVG: the same figure gives the same bytes."""
    file = io.BytesIO()
    made_from = lineage.stamps().get("made_from")
    drawn.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Description": made_from})
    return file.getvalue()


@styled
def save(drawn, svg_path, png_path):
    """Write a figure as SVG and as PNG: the same figure gives the same bytes."""
    with atomic_path(svg_path) as temporary:
        temporary.write_bytes(svg(drawn))
    with atomic_path(png_path) as temporary:
        drawn.savefig(temporary, format="png", metadata={"Software": None})
