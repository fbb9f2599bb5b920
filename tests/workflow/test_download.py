"""A dataset that is downloaded first: planned without a folder, downloaded once, then tracked for changes."""

import os
import shutil

import pytest

from tests.factories import delivery, fake_hub
from tests.workflow import runs

pytestmark = pytest.mark.full

IMAGES = "results/fish/images.parquet"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose dataset is on a fake hub and not yet downloaded."""
    project = runs.copy_project(tmp_path / "study")
    source = {
        "layout": "folders",
        "folder": "photos",
        "download": {"repo": fake_hub.REPO, "revision": fake_hub.COMMIT},
    }
    model = {"histogram": {"library": "histogram", "preprocess": "square_224"}}
    with runs.edit_config(project) as config:
        config |= {"datasets": {"fish": {"source": source}}, "models": model, "compare": [], "clusters": {}}
    picture = delivery.picture(tmp_path / "1.png", seed=1).read_bytes()
    with fake_hub.serve({"Aus bus/1.png": picture, "Aus bus/1.txt": b"A fish."}) as environment:
        for name in set(os.environ) - set(environment):
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield project


def test_a_download_is_planned_run_once_and_tracked(project):
    jobs = {("download_dataset", "fish"), ("list_images", "fish")}
    assert runs.plan_jobs(project, IMAGES) == jobs
    runs.run_snakemake(project, IMAGES)
    assert runs.plan_jobs(project, IMAGES) == set()
    (project / "photos/Aus bus/1.txt").write_text("A dish.")
    assert runs.plan_jobs(project, IMAGES) == {("list_images", "fish")}
    runs.run_snakemake(project, IMAGES)
    assert runs.plan_jobs(project, IMAGES) == set()
    shutil.rmtree(project / "photos")
    assert "remove results/fish/download.json to do so again" in runs.run_snakemake(
        project, IMAGES, check=False
    )


def test_another_revision_is_downloaded_and_listed_once(project):
    runs.run_snakemake(project, IMAGES)
    path = project / runs.CONFIG
    path.write_text(path.read_text().replace(fake_hub.COMMIT, fake_hub.OTHER))
    delivery.picture(project / "photos/Aus bus/2.png", seed=2)
    assert runs.plan_jobs(project, IMAGES) == {("download_dataset", "fish"), ("list_images", "fish")}
    runs.run_snakemake(project, IMAGES)
    assert runs.plan_jobs(project, IMAGES) == set()
