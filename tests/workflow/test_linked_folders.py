"""Photos in linked folders and in unreadable folders: none is lost without a message."""

import polars as pl
import pytest

from tests.factories import delivery
from tests.factories.unreadable import AS_USER, skip_unless_permissions_count
from tests.workflow import runs

pytestmark = pytest.mark.full


@pytest.fixture
def project(tmp_path):
    """A study of plain folders; one category is a link to a folder outside the dataset."""
    project = runs.copy_project(tmp_path / "study")
    for number in range(6):
        delivery.picture(project / f"photos/Fish/Aus bus/{number}.jpg", number)
        delivery.picture(project / f"big/Butterfly/Bus cus/{number}.jpg", 10 + number)
    (project / "photos/Butterfly").symlink_to("../big/Butterfly")
    with runs.edit_config(project) as config:
        config |= {
            "datasets": {"photos": {"source": {"layout": "folders", "folder": "photos"}}},
            "models": {"histogram": {"library": "histogram", "preprocess": "square_224"}},
            "compare": [],
            "clusters": {},
        }
    return project


def read_table(project, name):
    return pl.read_parquet(project / f"results/photos/{name}.parquet")


def test_a_linked_folder_is_reported_then_followed_then_tracked(project):
    output = runs.run_snakemake(project, "curate")
    assert read_table(project, "labels")["category"].unique().to_list() == ["Fish"]
    assert read_table(project, "quarantine").select("path", "reason").rows() == [
        ("Butterfly", "linked_folder")
    ]
    assert "linked folder" in (project / "results/photos/audit.html").read_text()
    final_lines = output[output.index("The audit of photos: results/photos/audit.html") :].splitlines()
    assert final_lines[1].startswith("The curation of photos warns")
    assert final_lines[2].endswith("does not name where it leads: Butterfly (leads to ../big/Butterfly)")
    assert "  clean_labels: rows quarantined: 1 linked_folder" in final_lines[3:6]

    with runs.edit_config(project) as config:
        config["datasets"]["photos"]["source"]["follow_links"] = ["big"]
    output = runs.run_snakemake(project, "curate")
    assert "linked folder" not in output and (project / "results/photos/curation.passed").exists()
    assert sorted(read_table(project, "labels")["category"]) == ["Butterfly"] * 6 + ["Fish"] * 6

    delivery.picture(project / "big/Butterfly/Bus cus/new.jpg", 99)
    assert ("list_images", "photos") in runs.plan_jobs(project)
    runs.run_snakemake(project, "curate")
    assert "Butterfly/Bus cus/new.jpg" in read_table(project, "labels")["path"]


def test_a_run_that_fails_prints_its_warnings_too(project):
    with runs.edit_config(project) as config:
        config["datasets"]["photos"]["labels"] = {"policies": {"formatting": "stop"}}
    (project / "photos/Fish/Aus bus").rename(project / "photos/Fish/aus_bus")
    output = runs.run_snakemake(project, "curate", check=False)
    final_lines = output[output.index("The curation of photos warns") :]
    assert "formatting: 6 rows" in output and "Butterfly (leads to ../big/Butterfly)" in final_lines


@pytest.mark.parametrize("path", ["photos/Fish/Aus bus", "photos/captions.csv", "photos/Fish/Aus bus/0.jpg"])
def test_unreadable_paths_stop_the_run_and_are_named(project, path):
    skip_unless_permissions_count()
    delivery.table(project / "photos/captions.csv", ["image_path", "caption"], [])
    (project / path).chmod(0)
    output = runs.run_snakemake(project, "curate", check=False, within=AS_USER)
    (project / path).chmod(0o755)
    assert f"{path}: cannot be read (Permission denied): give this user the permission" in output
