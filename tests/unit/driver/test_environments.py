"""One set of pins: the lock. The conda environments repeat it, and nothing writes down an address."""

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


def pins_of(name):
    environment = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))
    return environment["dependencies"][-1]["pip"]


def imported(script):
    """The top-level modules that a script and what it imports of the project name, late imports too."""
    return set().union(*map(named_in, code_digest.code_files(ROOT, f"scripts/{script}")))


@cache
def named_in(path):
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environments_pins_are_the_locks(name):
    assert len(pins_of(name)) > 20
    assert {pin.split(" ;")[0] for pin in pins_of(name)} <= {pin.split(" ;")[0] for pin in PINS}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_has_what_its_extras_need_and_no_more(name):
    pins = [Requirement(pin) for pin in pins_of(name)]
    here = {canonicalize_name(pin.name) for pin in pins if pin.marker is None or pin.marker.evaluate()}
    assert here == distributions.needed(*ENVIRONMENTS[name])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_scripts_import_nothing_that_their_environment_lacks(name):
    """Snakemake appends its own packages to a script's path, so that a run might not notice."""
    has = distributions.modules(distributions.needed(*ENVIRONMENTS[name])) | sys.stdlib_module_names
    scripts = [script for environment, script in SCRIPTS if environment == name]
    lacking = {script: imported(script) - has - {"nearkin"} for script in scripts}
    assert scripts and not any(lacking.values()), lacking


def test_each_rule_with_a_script_has_an_environment():
    assert len(SCRIPTS) == RULES.count("    script:\n")


def test_the_lock_has_hashes_and_no_addresses():
    assert "://" not in LOCK
    assert LOCK.count("--hash=sha256:") > len(PINS)


def test_all_that_the_project_names_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    named = {Requirement(line).name for extra in extras for line in extra}
    assert {"torch", "snakemake", "polars"} <= named
    assert named <= {re.split("==", pin)[0] for pin in PINS}
