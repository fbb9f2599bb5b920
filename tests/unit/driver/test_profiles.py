"""The profiles, and their agreement with the rules."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SLURM = ROOT / "profiles/slurm/profile.yaml"


@pytest.fixture
def edited_profile():
    """The profile for clusters with all optional lines enabled."""
    return yaml.safe_load(re.sub(r"^( *)#(?=\S)", r"\1", SLURM.read_text(), flags=re.MULTILINE))


def test_the_default_profile_has_no_key_of_the_cluster_profile(edited_profile):
    default = yaml.safe_load((ROOT / "profiles/default/profile.yaml").read_text())
    conditional = [keys for key, keys in default.items() if key.startswith("?")]
    assert edited_profile.keys().isdisjoint(set(default).union(*conditional))


def test_every_rule_that_may_request_gpus_has_their_partition(edited_profile):
    rules = "".join(path.read_text() for path in ROOT.glob("workflow/rules/*.smk"))
    gpu_rules = {block.split(":")[0] for block in re.split(r"^rule ", rules, flags=re.M) if "**GPU" in block}
    assert {
        rule for rule, resources in edited_profile["set-resources"].items() if "slurm_partition" in resources
    } == gpu_rules


def test_the_shipped_profile_needs_no_account_or_partition():
    assert set(yaml.safe_load(SLURM.read_text())["default-resources"]) == {"mem_mb", "runtime"}
