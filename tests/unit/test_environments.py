"""One set of pins: the lock. The conda environments repeat it, and nothing writes down an address."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = {line.split(" \\")[0].strip() for line in LOCK.splitlines() if re.match(r"^[a-z0-9]", line)}


def pins_of(name):
    environment = yaml.safe_load((ROOT / "envs" / name).read_text(encoding="utf-8"))
    return environment["dependencies"][-1]["pip"]


@pytest.mark.parametrize("name", ["analysis.yaml", "torch.yaml"])
def test_an_environments_pins_are_the_locks(name):
    assert len(pins_of(name)) > 20
    assert {pin.split(" ;")[0] for pin in pins_of(name)} <= {pin.split(" ;")[0] for pin in PINS}


def test_the_lock_has_hashes_and_no_addresses():
    assert "://" not in LOCK
    assert LOCK.count("--hash=sha256:") > len(PINS)


def test_all_that_the_project_names_is_pinned():
    named = re.findall(
        r'^    "([a-z0-9-]+)', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {"torch", "snakemake", "polars"} <= set(named)
    assert set(named) <= {re.split("==", pin)[0] for pin in PINS}
