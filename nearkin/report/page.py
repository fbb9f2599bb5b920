"""The report: one page of HTML that needs no network and no other file."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from nearkin.html.render import render_page

LIBRARIES = ["numpy", "polars", "scipy", "statsmodels", "matplotlib", "seaborn", "itables"]


def render_report(content: Mapping[str, object]) -> str:
    """The page for the content of `content.collect`, as text: the same content gives the same bytes."""
    versions = {name: version(name) for name in LIBRARIES}
    template = Path(__file__).with_name("report.html.j2")
    return render_page(template, {**content, "versions": versions}, script="species.js.j2")
