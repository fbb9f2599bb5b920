"""One finished small study, in a folder whose name has spaces, shared by all workflow tests."""

import shutil

import pytest

from tests.workflow import runs


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy of the project with all results of the small study in it, made without a network if possible."""
    project = runs.copy_project(tmp_path_factory.mktemp("a study") / "with spaces")
    runs.snakemake(project, within=runs.ALONE if runs.can_be_alone() else ())
    return project


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished study whose files may be changed; times are kept."""
    return shutil.copytree(finished, tmp_path / "copied study", symlinks=True)
