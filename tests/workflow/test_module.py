"""The project as a module of another workflow that lies elsewhere."""

import shutil

import pytest
import yaml

from tests.workflow import runs

pytestmark = pytest.mark.full

OUTER = f"""
module nearkin:
    snakefile: {str(runs.ROOT / "Snakefile")!r}
    config: config["nearkin"]

use rule * from nearkin as nearkin_*

rule count_sides:
    default_target: True
    input: "results/museum/splits.parquet"
    output: "sides.txt"
    shell: "wc -c < {{input}} > {{output}}"
"""


@pytest.fixture
def outer(tmp_path):
    """A folder of another workflow, which takes the small study's config for its module."""
    folder = tmp_path / "another workflow"
    folder.mkdir()
    (folder / "Snakefile").write_text(OUTER, encoding="utf-8")
    small = yaml.safe_load((runs.ROOT / "tests/workflow/small.yaml").read_text(encoding="utf-8"))
    (folder / runs.CONFIG).write_text(yaml.safe_dump({"nearkin": small}), encoding="utf-8")
    return folder


def test_the_whole_study_is_planned(finished, outer):
    own = {(f"nearkin_{rule}", wildcards) for rule, wildcards in runs.planned(finished, "--forceall")}
    assert runs.planned(outer, "nearkin_all") == own | {("nearkin_all", "")}


def test_what_it_makes_feeds_rules_of_the_other_and_is_the_same(finished, outer):
    runs.snakemake(outer)
    runs.snakemake(outer, "nearkin_curate")
    assert (outer / "sides.txt").exists() and (outer / "results/museum/audit.html").exists()
    assert runs.contents(outer).items() <= runs.contents(finished).items()
    assert "Nothing to be done" in runs.snakemake(outer, "nearkin_curate")


def test_checks_are_withdrawn_there_too(finished, outer):
    shutil.copytree(finished / "results", outer / "results")
    shutil.copytree(finished / ".snakemake", outer / ".snakemake")
    with runs.config_of(outer) as config:
        config["nearkin"]["datasets"]["museum"]["split"]["seed"] = 7
    runs.snakemake(outer, "results/museum/splits.parquet")
    assert not list(outer.glob("results/*/*.passed"))


def test_both_snakefiles_start_the_same_study(finished):
    assert runs.planned(finished, "--snakefile", "workflow/Snakefile") == set()
    within = finished / "workflow"
    assert runs.planned(within, "--directory", "..", config="../small.yaml") == set()
