"""Which installed distributions an extra of the project needs, and which modules they bring."""

import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def needed(*extras):
    """The names of all distributions that extras of pyproject.toml need here, directly or not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for extra in extras for line in project["optional-dependencies"][extra]]
    waiting, found = _asked(lines, ""), set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) not in found:
            found.add((name, extra))
            waiting |= _asked(metadata.requires(name) or [], extra)
    return {name for name, _ in found}


def modules(names):
    """The top-level modules that come with distributions of these names."""
    providers = metadata.packages_distributions()
    return {module for module, found in providers.items() if names & {canonicalize_name(n) for n in found}}


def _asked(lines, extra):
    """Pairs of a distribution and one of its extras that requirements ask for, if `extra` is wanted."""
    here = [asked for asked in map(Requirement, lines) if _holds(asked.marker, extra)]
    return {(canonicalize_name(asked.name), wanted) for asked in here for wanted in ("", *asked.extras)}


def _holds(marker, extra):
    return marker is None or marker.evaluate({"extra": extra})
