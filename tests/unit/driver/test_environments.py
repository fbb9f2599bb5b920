"""One set of pins: the lock. The conda environments have the same pins, and no file has an address."""

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envs.pin import ENVIRONMENTS
from nearkin.driver import code_digest
from tests.factories import distributions

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
RULES = "".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("workflow/rules/*.smk")))
SCRIPTS = re.findall(r'"../../envs/(\w+).yaml"(?:(?!\nrule).)*?"../../scripts/(\w+.py)"', RULES, re.DOTALL)
PINS = {line.split(" \\")[0].strip() for line in LOCK.splitlines() if re.match(r"^[a-z0-9]", line)}


def read_pins(name):
    environment = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))
    return environment["dependencies"][-1]["pip"]


def list_imported_modules(script):
    """The top-level modules that a script and its imports from the project import, also in functions."""
    return set().union(*map(list_module_names, code_digest.code_files(ROOT, f"scripts/{script}")))


@cache
def list_module_names(path):
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_pins_of_an_environment_are_in_the_lock(name):
    assert len(read_pins(name)) > 20
    assert {pin.split(" ;")[0] for pin in read_pins(name)} <= {pin.split(" ;")[0] for pin in PINS}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_has_exactly_the_packages_of_its_extras(name):
    pins = [Requirement(pin) for pin in read_pins(name)]
    names = {canonicalize_name(pin.name) for pin in pins if pin.marker is None or pin.marker.evaluate()}
    assert names == distributions.list_required_distributions(*ENVIRONMENTS[name])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_scripts_import_only_modules_of_their_environment(name):
    """Snakemake appends its own packages to a script's path, which would hide a missing module in a run."""
    available = (
        distributions.list_modules(distributions.list_required_distributions(*ENVIRONMENTS[name]))
        | sys.stdlib_module_names
    )
    scripts = [script for environment, script in SCRIPTS if environment == name]
    missing = {script: list_imported_modules(script) - available - {"nearkin"} for script in scripts}
    assert scripts and not any(missing.values()), missing


def test_each_rule_with_a_script_has_an_environment():
    assert len(SCRIPTS) == RULES.count("    script:\n")


def test_the_lock_has_hashes_and_no_addresses():
    assert "://" not in LOCK
    assert LOCK.count("--hash=sha256:") > len(PINS)


def test_all_requirements_of_the_project_are_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    required = {Requirement(line).name for extra in extras for line in extra}
    assert {"torch", "snakemake", "polars"} <= required
    assert required <= {re.split("==", pin)[0] for pin in PINS}
