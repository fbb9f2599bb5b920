"""What the profiles say, and what of the rules they must know."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SLURM = ROOT / "profiles/slurm/profile.yaml"


@pytest.fixture
def edited():
    """The profile for clusters with all lines in place that are to be edited."""
    return yaml.safe_load(re.sub(r"^( *)#(?=\S)", r"\1", SLURM.read_text(), flags=re.MULTILINE))


def test_what_is_loaded_by_itself_has_no_key_of_the_profile_for_clusters(edited):
    default = yaml.safe_load((ROOT / "profiles/default/profile.yaml").read_text())
    conditional = [keys for key, keys in default.items() if key.startswith("?")]
    assert edited.keys().isdisjoint(set(default).union(*conditional))


def test_every_rule_that_may_ask_for_gpus_goes_to_their_partition(edited):
    rules = "".join(path.read_text() for path in ROOT.glob("workflow/rules/*.smk"))
    on_gpus = {block.split(":")[0] for block in re.split(r"^rule ", rules, flags=re.M) if "**GPU" in block}
    assert {
        rule for rule, resources in edited["set-resources"].items() if "slurm_partition" in resources
    } == on_gpus


def test_as_shipped_it_needs_no_account_and_no_partition():
    assert set(yaml.safe_load(SLURM.read_text())["default-resources"]) == {"mem_mb", "runtime"}
