"""A text before and after its repair, with the difference marked."""

import re
from os.path import commonprefix

from markupsafe import Markup, escape
from rapidfuzz.distance import Indel

from nearkin.html.visible_text import escape_invisible

MAX_CHARS = 240
"""Characters shown of what differs."""

CONTEXT_CHARS = 60
"""Characters shown on either side of that, where the texts are long."""

MIN_SIMILARITY = 0.6
"""Below this, nothing is marked: one text replaced the other."""

NOTHING = Markup('<span class="few">–</span>')
BLANK = Markup('<span class="few">nothing</span>')
SPACE = re.compile(r"\s")
ODD_SPACE = re.compile(r"^\s+|\s+$|\s\s+|[^\S ]")


def mark_changes(before: str | None, after: str | None) -> tuple[Markup, Markup]:
    """Both texts as markup: what was removed in `del`, what was added in `ins`.

    White space is visible in the marks and wherever it is unusual. None gives a dash.

    >>> mark_changes("Esox_lucius", "Esox lucius")[0]
    Markup('Esox<del>_</del>lucius')
    >>> mark_changes("<b>", None)
    (Markup('&lt;b&gt;'), Markup('<span class="few">–</span>'))
    """
    if not before or not after:
        return _escape(before), _escape(after)
    n_head = len(commonprefix([before, after]))
    n_tail = len(commonprefix([before[n_head:][::-1], after[n_head:][::-1]]))
    old, new = (escape_invisible(text[n_head : len(text) - n_tail], MAX_CHARS) for text in (before, after))
    steps = list(Indel.opcodes(old, new))
    n_common = n_head + n_tail + sum(step.src_end - step.src_start for step in steps if step.tag == "equal")
    n_all = 2 * (n_head + n_tail) + len(old) + len(new)
    if 2 * n_common < MIN_SIMILARITY * n_all and sum(step.tag != "equal" for step in steps) > 1:
        return _escape(before), _escape(after)
    n_context = CONTEXT_CHARS if max(len(before), len(after)) > MAX_CHARS else MAX_CHARS
    start = before[:n_head] if n_head <= n_context else "…" + before[n_head - n_context : n_head]
    head = escape(escape_invisible(start, MAX_CHARS + 1))
    tail = escape(escape_invisible(after[len(after) - n_tail :], n_context))
    removed = (_mark_part(old[step.src_start : step.src_end], step.tag, "del") for step in steps)
    added = (_mark_part(new[step.dest_start : step.dest_end], step.tag, "ins") for step in steps)
    return head + Markup().join(removed) + tail, head + Markup().join(added) + tail


def _mark_part(text: str, tag: str, element: str) -> Markup:
    if tag == "equal" or not text:
        return escape(text)
    return Markup("<{0}>{1}</{0}>").format(element, _show_spaces(text, SPACE))


def _escape(text: str | None) -> Markup:
    if text is None:
        return NOTHING
    return _show_spaces(escape_invisible(text, MAX_CHARS), ODD_SPACE) if text else BLANK


def _show_spaces(text: str, spaces: re.Pattern[str]) -> Markup:
    """The text as markup, with visible white space wherever `spaces` matches."""
    # Escaping adds no white space, so that the expression matches the same before and after it.
    return Markup(spaces.sub(lambda match: f'<span class="space">{match[0]}</span>', str(escape(text))))  # noqa: S704
