"""`--use-conda` with a stand-in of conda and a channel in a folder: the same bytes as without."""

import os
import shutil
import sys
import sysconfig

import pytest

from tests.conda import channel
from tests.workflow import runs

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(sys.platform != "linux", reason="the channel's Python is packed for Linux"),
]
TARGETS = [
    "results/museum/lite0/embeddings/0.parquet",
    "results/museum/comparisons/lite0/tuned/comparison.txt",
    "results/museum/comparisons/lite0/tuned/claims.parquet",
    "results/museum/figures/lite0/tuned/paired_recall.svg",
]


@pytest.fixture
def conda(tmp_path):
    """A folder with the stand-in and its channel, for environments too; it goes again, being up to 8 GB."""
    folder = tmp_path / "conda"
    shutil.copytree(runs.ROOT / "tests/conda", folder)
    channel.build(folder / "channels/conda-forge", folder / "scratch")
    yield folder
    shutil.rmtree(folder)


def run(project, conda, *arguments):
    """What a run in environments of the stand-in prints.

    Its channel has no Python but the one that runs the tests, and that made the results to compare
    with; so in this copy of the project the environments ask for that one.
    """
    for path in (project / "envs").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("python=3.12", f"python={channel.VERSION}"), encoding="utf-8")
    return runs.snakemake(
        project,
        *("--use-conda", "--conda-prefix", str(conda / "environments"), *arguments),
        PATH=os.pathsep.join([f"{conda}/bin", sysconfig.get_path("scripts"), os.environ["PATH"]]),
        CONDA_CHANNEL_ALIAS=f"{(conda / 'channels').as_uri()}/",
        RATTLER_CACHE_DIR=str(conda / "cache"),
        PIP_NO_COMPILE="1",  # most modules are never imported
    )


def test_from_the_embeddings_to_a_comparison(finished, project, conda):
    """By the rules of both environments."""
    going_over = ["--dry-run", "--rerun-triggers", "mtime", "params", "input"]
    assert "Nothing to be done" in run(project, conda, *going_over)
    output = run(project, conda, "--force", *TARGETS)
    rules = {rule for rule, _ in runs.jobs(output)}
    assert {
        "embed_images",
        "search_neighbours",
        "score_queries",
        "compare_models",
        "evaluate_claims",
    } <= rules
    assert output.count("Activating conda environment: ") > len(runs.jobs(output)) / 2
    made = runs.contents(project)
    assert made.items() <= runs.contents(finished).items()
    assert {target.removeprefix("results/") for target in TARGETS} <= set(made)


@pytest.mark.slow
def test_the_whole_study(finished, conda, tmp_path):
    project = runs.copy_project(tmp_path / "study")
    run(project, conda)
    assert runs.contents(project) == runs.contents(finished)
    assert "Nothing to be done" in run(project, conda)
