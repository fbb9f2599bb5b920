"""The installed distributions that an extra of the project requires, and their modules."""

import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def list_required_distributions(*extras):
    """The names of all distributions that extras of pyproject.toml require here, directly or indirectly."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for extra in extras for line in project["optional-dependencies"][extra]]
    pending, required = _parse_requirements(lines, ""), set()
    while pending:
        name, extra = pending.pop()
        if (name, extra) not in required:
            required.add((name, extra))
            pending |= _parse_requirements(metadata.requires(name) or [], extra)
    return {name for name, _ in required}


def list_modules(names):
    """The top-level modules of distributions with these names."""
    providers = metadata.packages_distributions()
    return {
        module
        for module, providing in providers.items()
        if names & {canonicalize_name(name) for name in providing}
    }


def _parse_requirements(lines, extra):
    """Pairs of a distribution and one of its extras, from the requirements that are active for `extra`."""
    requirements = [
        requirement for requirement in map(Requirement, lines) if _is_active(requirement.marker, extra)
    ]
    return {
        (canonicalize_name(requirement.name), extra_name)
        for requirement in requirements
        for extra_name in ("", *requirement.extras)
    }


def _is_active(marker, extra):
    return marker is None or marker.evaluate({"extra": extra})
