"""The audit: one page of HTML for a curator, without network or other files."""

from collections.abc import Mapping
from pathlib import Path

from nearkin.html.render import render_page


def render_audit(content: Mapping[str, object]) -> str:
    """The page for the content of `content.collect`, as text: the same content gives the same bytes."""
    return render_page(Path(__file__).with_name("audit.html.j2"), content, script="audit.js.j2")
