"""`--use-conda` with a stand-in of conda and a channel in a folder: the same bytes as without."""

import os
import re
import shutil
import sys
import sysconfig

import pytest

from tests.conda import channel
from tests.workflow import runs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the channel's Python is packed for Linux")
RULES = "".join(path.read_text(encoding="utf-8") for path in runs.ROOT.glob("workflow/rules/*.smk"))
OF_ANALYSIS = re.findall(r"^rule (\w+):(?:(?!^rule ).)*?/envs/analysis.yaml", RULES, re.DOTALL | re.MULTILINE)


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


def test_what_needs_only_the_small_environment(finished, project, conda):
    """All but encoders, decoding, embedding and search, which stay as they were made without conda."""
    going_over = ["--dry-run", "--rerun-triggers", "mtime", "params", "input"]
    assert "Nothing to be done" in run(project, conda, *going_over)
    said = run(project, conda, "--forceall", "--allowed-rules", "all", *OF_ANALYSIS)
    assert {rule for rule, _ in runs.jobs(said)} <= set(OF_ANALYSIS)
    assert said.count("Activating conda environment: ") > len(OF_ANALYSIS) / 2
    assert runs.contents(project) == runs.contents(finished)


@pytest.mark.slow
def test_the_whole_study(finished, conda, tmp_path):
    project = runs.copy_project(tmp_path / "study")
    run(project, conda)
    assert runs.contents(project) == runs.contents(finished)
    assert "Nothing to be done" in run(project, conda)
