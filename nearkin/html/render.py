"""HTML pages that need no network and no other file."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nearkin.html import format_numbers
from nearkin.html.visible_text import escape_invisible, humanise
from nearkin.tables.categories import category_title

FILTERS = {
    "fraction": format_numbers.format_fraction,
    "points": format_numbers.format_points,
    "p_value": format_numbers.format_p_value,
    "count": format_numbers.format_count,
    "share": format_numbers.format_share,
    "visible": escape_invisible,
    "word": humanise,
    "category": category_title,
}
"""Functions by their names in templates."""


def render_page(template: str | Path, content: Mapping[str, object], *, script: str) -> str:
    """The page as text: the same content gives the same bytes.

    `template` is the path of a template that extends `page.html.j2`, `content` its variables;
    all of them are escaped. `script` names a template in the same folder: the page's content
    security policy allows no other script and no requests, so neither a name nor a caption can do
    harm.
    """
    template = Path(template)
    environment = Environment(
        loader=FileSystemLoader([template.parent, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    text = environment.get_template(script).render(bundle=_read_bundled_file("dt_bundle.js"))
    return environment.get_template(template.name).render(
        content,
        number=format_numbers,
        script=text,
        script_hash=b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii"),
        table_style=files("itables").joinpath("html", "dt_bundle.css").read_text(encoding="utf-8"),
    )


def _read_bundled_file(name: str) -> str:
    """A file of the DataTables bundle that itables ships, in base64."""
    return b64encode(files("itables").joinpath("html", name).read_bytes()).decode("ascii")
