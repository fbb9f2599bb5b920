"""The audit: one page of HTML for a curator, without network or other files."""

from pathlib import Path

from nearkin.pages import page


def render(content):
    """The page of what `contents.gather` gave, as text: the same content gives the same bytes."""
    return page.render(Path(__file__).with_name("audit.html.j2"), content, script="audit.js.j2")
