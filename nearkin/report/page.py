"""The report: one page of HTML that needs no network and no other file."""

from importlib.metadata import version
from pathlib import Path

from nearkin.pages import page

LIBRARIES = ["numpy", "polars", "scipy", "statsmodels", "matplotlib", "seaborn", "itables"]


def render(content):
    """The page of what `contents.gather` gave, as text: the same content gives the same bytes."""
    versions = {name: version(name) for name in LIBRARIES}
    template = Path(__file__).with_name("report.html.j2")
    return page.render(template, content | {"versions": versions}, script="species.js.j2")
