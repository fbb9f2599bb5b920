"""One finished small study, in a folder with spaces in its name, shared by all workflow tests."""

import fcntl
import shutil

import pytest

from tests.workflow import runs

CACHE = runs.ROOT / "build/finished_studies"
"""The last finished study, by the digest of everything it depends on; runs again only after a change."""


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory, worker_id):
    """A copy of the project with all results of the small study, made without a network if possible.

    The first pytest worker that needs it makes it, or copies it from the cache, for all workers.
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
    """Run the study, or copy it from the cache."""
    cache_path = CACHE / runs.digest_project(project)
    if cache_path.exists():
        shutil.copytree(cache_path, project, symlinks=True, dirs_exist_ok=True)
        return
    runs.run_snakemake(project, within=runs.NO_NETWORK if runs.can_isolate_network() else ())
    shutil.rmtree(CACHE, ignore_errors=True)
    unfinished = CACHE / "unfinished"
    shutil.copytree(project, unfinished, symlinks=True)
    unfinished.rename(cache_path)


@pytest.fixture
def project(finished_study, tmp_path):
    """A copy of the finished study for tests that change files; keeps the times of files."""
    return shutil.copytree(finished_study, tmp_path / "copied study", symlinks=True)
