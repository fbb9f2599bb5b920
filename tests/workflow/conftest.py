"""One finished small study, in a folder whose name has spaces, shared by all workflow tests."""

import pytest

from tests.workflow import runs


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy of the project with all results of the small study in it, made without a network if possible."""
    project = runs.copy_project(tmp_path_factory.mktemp("a study") / "with spaces")
    runs.snakemake(project, within=runs.ALONE if runs.can_be_alone() else ())
    return project
