"""Whole studies under hard conditions end with the bytes of an undisturbed study. They take minutes."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from tests.workflow import runs

pytestmark = pytest.mark.slow


def test_every_rule_is_killed_twice_while_it_writes(finished_study, tmp_path):
    project = runs.copy_project(tmp_path / "killed study")
    fails = runs.let_jobs_fail(project)
    output = runs.run_snakemake(project, "--retries", "2", FAILS=str(fails))
    assert {path.stem for path in fails.iterdir()} == {rule for rule, _ in runs.parse_jobs(output)}
    assert not list((project / "results").rglob(".*.part"))
    assert runs.digest_results(project) == runs.digest_results(finished_study)


def test_the_whole_run_is_killed_four_times(finished_study, tmp_path):
    project = runs.copy_project(tmp_path / "killed study")
    for seconds in (15, 31, 23, 47):
        with runs.start_snakemake(project) as run:
            time.sleep(seconds)
            os.killpg(run.pid, signal.SIGKILL)
        runs.run_snakemake(project, "--unlock")
    runs.run_snakemake(project)
    assert runs.digest_results(project) == runs.digest_results(finished_study)


@pytest.mark.parametrize(("shards", "chunks", "cores"), [(1, 1, 1), (7, 3, 2)])
def test_shards_chunks_and_cores_change_no_byte(finished_study, tmp_path, shards, chunks, cores):
    project = runs.copy_project(tmp_path / "sharded")
    with runs.edit_config(project) as config:
        config |= {"shards": shards, "search": {"query_chunks": chunks}}
    runs.run_snakemake(project, "--cores", str(cores))
    assert digest_without_shards(project) == digest_without_shards(finished_study)


def digest_without_shards(project):
    """The sha256 of every file except shards and their indices, by path."""
    sharded_folders = r"/(inspection|pixels|thumbnails|embeddings|neighbours)/"
    return {
        path: digest
        for path, digest in runs.digest_results(project).items()
        if not re.search(sharded_folders, path)
    }


def test_unusual_environment(finished_study, tmp_path):
    """No UTF-8, a restrictive umask, non-ASCII paths, a linked read-only delivery."""
    if os.geteuid():
        pytest.skip("only root can mount a folder read-only")
    project = runs.copy_project(tmp_path / "Übung mit späces" / "研究")
    delivery, linked_folder = tmp_path / "fötos", tmp_path / "link"
    shutil.copytree(finished_study / "results/museum/delivery", delivery)
    linked_folder.symlink_to(delivery)
    with runs.edit_config(project) as config:
        config["datasets"]["museum"]["source"] = {"layout": "vlm4bio", "folder": str(linked_folder)}
    subprocess.run(["mount", "--bind", "-o", "ro", delivery, delivery], check=True)
    umask = os.umask(0o077)
    try:
        runs.run_snakemake(project, LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    finally:
        os.umask(umask)
        subprocess.run(["umount", delivery], check=True)
    expected = {
        path: digest
        for path, digest in runs.digest_results(finished_study).items()
        if "/delivery/" not in path
    }
    assert runs.digest_results(project) == expected
