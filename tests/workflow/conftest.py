"""One finished small study, in a folder whose name has spaces, shared by all workflow tests."""

import fcntl
import shutil

import pytest

from tests.workflow import runs

CACHE = runs.ROOT / "build/finished_studies"
"""The last finished study, by the digest of all that it depends on: only a change makes it again."""


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A copy of the project with all results of the small study in it, made without a network if possible.

    The first of pytest's workers that wants it makes it, or copies it from the cache, for all.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    project = shared / "a study" / "with spaces"
    CACHE.parent.mkdir(exist_ok=True)
    with open(CACHE.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (project / "results/museum/checks.passed").exists():
            runs.copy_project(project)
            make_or_copy_results(project)
    return project


def make_or_copy_results(project):
    """Run the study, or take it from the cache."""
    cached = CACHE / runs.digest_project(project)
    if cached.exists():
        shutil.copytree(cached, project, symlinks=True, dirs_exist_ok=True)
        return
    runs.snakemake(project, within=runs.ALONE if runs.can_be_alone() else ())
    shutil.rmtree(CACHE, ignore_errors=True)
    unfinished = CACHE / "unfinished"
    shutil.copytree(project, unfinished, symlinks=True)
    unfinished.rename(cached)


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished study whose files may be changed; times are kept."""
    return shutil.copytree(finished, tmp_path / "copied study", symlinks=True)
