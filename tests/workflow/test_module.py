"""The project as a module of another workflow in another folder."""

import shutil

import pytest
import yaml

from tests.workflow import runs

pytestmark = pytest.mark.full

OUTER_SNAKEFILE = f"""
module nearkin:
    snakefile: {str(runs.ROOT / "Snakefile")!r}
    config: config["nearkin"]

use rule * from nearkin as nearkin_*

rule count_split_bytes:
    default_target: True
    input: "results/museum/splits.parquet"
    output: "split_bytes.txt"
    shell: "wc -c < {{input}} > {{output}}"
"""


@pytest.fixture
def outer_project(tmp_path):
    """A folder of another workflow, which passes the small study's config to its module."""
    folder = tmp_path / "another workflow"
    folder.mkdir()
    (folder / "Snakefile").write_text(OUTER_SNAKEFILE, encoding="utf-8")
    config = yaml.safe_load((runs.ROOT / "tests/workflow/small.yaml").read_text(encoding="utf-8"))
    (folder / runs.CONFIG).write_text(yaml.safe_dump({"nearkin": config}), encoding="utf-8")
    return folder


def test_the_whole_study_is_planned(finished_study, outer_project):
    module_jobs = {
        (f"nearkin_{rule}", wildcards) for rule, wildcards in runs.plan_jobs(finished_study, "--forceall")
    }
    assert runs.plan_jobs(outer_project, "nearkin_all") == module_jobs | {("nearkin_all", "")}


def test_its_results_are_the_same_and_are_input_of_outer_rules(finished_study, outer_project):
    runs.run_snakemake(outer_project)
    runs.run_snakemake(outer_project, "nearkin_curate")
    assert (outer_project / "split_bytes.txt").exists() and (
        outer_project / "results/museum/audit.html"
    ).exists()
    assert runs.digest_results(outer_project).items() <= runs.digest_results(finished_study).items()
    assert "Nothing to be done" in runs.run_snakemake(outer_project, "nearkin_curate")


def test_checks_are_withdrawn_in_the_outer_project_too(finished_study, outer_project):
    shutil.copytree(finished_study / "results", outer_project / "results")
    shutil.copytree(finished_study / ".snakemake", outer_project / ".snakemake")
    with runs.edit_config(outer_project) as config:
        config["nearkin"]["datasets"]["museum"]["split"]["seed"] = 7
    runs.run_snakemake(outer_project, "results/museum/splits.parquet")
    assert not list(outer_project.glob("results/*/*.passed"))


def test_both_snakefiles_run_the_same_study(finished_study):
    assert runs.plan_jobs(finished_study, "--snakefile", "workflow/Snakefile") == set()
    workflow_folder = finished_study / "workflow"
    assert runs.plan_jobs(workflow_folder, "--directory", "..", config="../small.yaml") == set()
