"""Whole studies under the worst: each ends with the bytes of the undisturbed one. They take minutes."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from tests.workflow import runs

pytestmark = pytest.mark.slow


def test_every_rule_is_killed_twice_while_it_writes(finished, tmp_path):
    project = runs.copy_project(tmp_path / "killed study")
    fails = runs.let_jobs_fail(project)
    output = runs.snakemake(project, "--retries", "2", FAILS=str(fails))
    assert {path.stem for path in fails.iterdir()} == {rule for rule, _ in runs.jobs(output)}
    assert not list((project / "results").rglob(".*.part"))
    assert runs.contents(project) == runs.contents(finished)


def test_the_whole_run_is_killed_four_times(finished, tmp_path):
    project = runs.copy_project(tmp_path / "killed study")
    for seconds in (15, 31, 23, 47):
        with runs.started(project) as run:
            time.sleep(seconds)
            os.killpg(run.pid, signal.SIGKILL)
        runs.snakemake(project, "--unlock")
    runs.snakemake(project)
    assert runs.contents(project) == runs.contents(finished)


@pytest.mark.parametrize(("shards", "chunks", "cores"), [(1, 1, 1), (7, 3, 2)])
def test_shards_chunks_and_cores_change_no_byte(finished, tmp_path, shards, chunks, cores):
    project = runs.copy_project(tmp_path / "parted")
    with runs.config_of(project) as config:
        config |= {"shards": shards, "search": {"query_chunks": chunks}}
    runs.snakemake(project, "--cores", str(cores))
    assert whole(project) == whole(finished)


def whole(project):
    """The sha256 of every file that is not a shard, nor a list of such, by its path."""
    parted = r"/(inspection|pixels|thumbnails|embeddings|neighbours)/"
    return {path: sha for path, sha in runs.contents(project).items() if not re.search(parted, path)}


def test_odd_surroundings(finished, tmp_path):
    """No UTF-8, files for oneself only, odd letters in the path, a read-only delivery behind a link."""
    if os.geteuid():
        pytest.skip("only root can mount a folder read-only")
    project = runs.copy_project(tmp_path / "Übung mit späces" / "研究")
    delivery, link = tmp_path / "fötos", tmp_path / "link"
    shutil.copytree(finished / "results/museum/delivery", delivery)
    link.symlink_to(delivery)
    with runs.config_of(project) as config:
        config["datasets"]["museum"]["source"] = {"layout": "vlm4bio", "folder": str(link)}
    subprocess.run(["mount", "--bind", "-o", "ro", delivery, delivery], check=True)
    before = os.umask(0o077)
    try:
        runs.snakemake(project, LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    finally:
        os.umask(before)
        subprocess.run(["umount", delivery], check=True)
    drawn = {path: sha for path, sha in runs.contents(finished).items() if "/delivery/" not in path}
    assert runs.contents(project) == drawn
