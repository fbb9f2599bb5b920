"""`--use-conda` with a fake conda and a local channel: the same bytes as without."""

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
    """A folder with the fake conda, its channel and environments, up to 8 GB; removed afterwards."""
    folder = tmp_path / "conda"
    shutil.copytree(runs.ROOT / "tests/conda", folder)
    channel.build_channel(folder / "channels/conda-forge", folder / "scratch")
    yield folder
    shutil.rmtree(folder)


def run_with_conda(project, conda, *arguments):
    """The output of a run in environments of the fake conda.

    Its channel has only the Python version that runs the tests and that made the results to compare
    with; so in this copy of the project the environments require that version.
    """
    for path in (project / "envs").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("python=3.12", f"python={channel.VERSION}"), encoding="utf-8")
    return runs.run_snakemake(
        project,
        *("--use-conda", "--conda-prefix", str(conda / "environments"), *arguments),
        PATH=os.pathsep.join([f"{conda}/bin", sysconfig.get_path("scripts"), os.environ["PATH"]]),
        CONDA_CHANNEL_ALIAS=f"{(conda / 'channels').as_uri()}/",
        RATTLER_CACHE_DIR=str(conda / "cache"),
        PIP_NO_COMPILE="1",  # most modules are never imported
    )


def test_from_the_embeddings_to_a_comparison(finished_study, project, conda):
    """Uses the rules of both environments."""
    dry_run = ["--dry-run", "--rerun-triggers", "mtime", "params", "input"]
    assert "Nothing to be done" in run_with_conda(project, conda, *dry_run)
    output = run_with_conda(project, conda, "--force", *TARGETS)
    rules = {rule for rule, _ in runs.parse_jobs(output)}
    assert {
        "embed_images",
        "search_neighbours",
        "score_queries",
        "compare_models",
        "evaluate_claims",
    } <= rules
    assert output.count("Activating conda environment: ") > len(runs.parse_jobs(output)) / 2
    digests = runs.digest_results(project)
    assert digests.items() <= runs.digest_results(finished_study).items()
    assert {target.removeprefix("results/") for target in TARGETS} <= set(digests)


@pytest.mark.slow
def test_the_whole_study(finished_study, conda, tmp_path):
    project = runs.copy_project(tmp_path / "study")
    run_with_conda(project, conda)
    assert runs.digest_results(project) == runs.digest_results(finished_study)
    assert "Nothing to be done" in run_with_conda(project, conda)
