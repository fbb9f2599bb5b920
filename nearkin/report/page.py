"""The report: one page of HTML that needs no network and no other file."""

import hashlib
from base64 import b64encode
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nearkin.report import numbers

LIBRARIES = ["numpy", "polars", "scipy", "statsmodels", "matplotlib", "seaborn", "itables"]


def render(content):
    """The page, as text: the same content gives the same bytes.

    `content` is what the template `report.html.j2` names. All of it is escaped. The page's
    own script is the only one that its content security policy lets run, and nothing may
    be fetched, so that neither a name nor a caption can do harm.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("fraction", "points", "p_value", "count", "span"):
        environment.filters[name] = getattr(numbers, name)
    script = environment.get_template("species.js.j2").render(bundle=_bundle("dt_bundle.js"))
    return environment.get_template("report.html.j2").render(
        content,
        number=numbers,
        script=script,
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        table_style=files("itables").joinpath("html", "dt_bundle.css").read_text(encoding="utf-8"),
        versions={name: version(name) for name in LIBRARIES},
    )


def _bundle(name):
    """A file of the DataTables bundle that itables ships, in base64."""
    return b64encode(files("itables").joinpath("html", name).read_bytes()).decode("ascii")
