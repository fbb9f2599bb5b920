"""One finished small study, in a folder whose name has spaces, shared by all workflow tests."""

import fcntl
import shutil

import pytest

from tests.workflow import runs


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A copy of the project with all results of the small study in it, made without a network if possible.

    The first of pytest's workers that wants it makes it, for all.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    project = shared / "a study" / "with spaces"
    with open(shared / "a study.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (project / "results/museum/checks.passed").exists():
            runs.copy_project(project)
            runs.snakemake(project, within=runs.ALONE if runs.can_be_alone() else ())
    return project


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished study whose files may be changed; times are kept."""
    return shutil.copytree(finished, tmp_path / "copied study", symlinks=True)
