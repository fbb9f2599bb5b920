"""Results copied into a new clone: taken over without a job, and only if they are what it would make."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.workflow import runs

pytestmark = pytest.mark.full

RESULTS = "results/museum"


def run_command(project, command):
    """The exit status of one of the project's commands, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", f"nearkin.driver.{command}", "--configfile", runs.CONFIG],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def clone(finished, tmp_path):
    """A new clone with the results in it, all dates those of the copying."""
    project = runs.copy_project(tmp_path / "a new clone")
    shutil.copytree(finished / RESULTS, project / RESULTS, copy_function=shutil.copyfile)
    for path in project.rglob("*.py"):
        os.utime(path)
    return project


def test_copied_results_are_adopted_and_nothing_runs(clone):
    assert runs.planned(clone)
    status, text = run_command(clone, "adopt")
    assert (status, text.splitlines()[-1]) == (0, "All are adopted.")
    assert runs.planned(clone) == set()


def test_a_flipped_byte_is_named_and_nothing_adopted(clone):
    path = clone / RESULTS / "lite0/embeddings/0.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    status, text = run_command(clone, "adopt")
    assert status == 1
    assert text.splitlines()[1:] == [f"{RESULTS}/lite0/embeddings/0.parquet"]
    assert runs.planned(clone)
    path.unlink()
    assert run_command(clone, "adopt")[0] == 1  # the shard is lost, and made again by the next run
    wanted = runs.planned(clone, f"{RESULTS}/lite0/embeddings/0.parquet")
    assert wanted == {("embed_images", "museum lite0 0")}


def test_results_of_unknown_making_are_named(clone):
    path = clone / RESULTS / "provenance.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "figures/recall.svg" not in line.split('"record"')[0]))
    status, text = run_command(clone, "adopt")
    assert status == 1
    assert "plot_recall" in text


def test_results_of_another_config_are_named_and_made_anew(clone):
    with runs.config_of(clone) as config:
        config["comparison"] = {"min_queries": 2}
    status, text = run_command(clone, "adopt")
    assert status == 1
    assert "compare_models, 2 jobs (museum lite0 tuned, museum untrained lite0): its settings" in text
    assert "score_queries" not in text
    assert run_command(clone, "explain")[1] in text


def test_a_record_that_points_elsewhere_is_refused(clone):
    path = clone / RESULTS / "provenance.jsonl"
    path.write_text(path.read_text().replace(f'"path": "{RESULTS}/', f'"path": "{RESULTS}/../../'))
    status, text = run_command(clone, "adopt")
    assert status == 1
    assert "is not in results/museum/" in text
