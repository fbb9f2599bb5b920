"""Photos in linked folders, and in folders that cannot be read: none is lost without a word."""

import polars as pl
import pytest

from tests.factories import delivery
from tests.factories.unreadable import AS_USER, skip_unless_permissions_count
from tests.workflow import runs

pytestmark = pytest.mark.full


@pytest.fixture
def project(tmp_path):
    """A study of plain folders, one category of which is a link to a folder beside the others."""
    project = runs.copy_project(tmp_path / "study")
    for number in range(6):
        delivery.picture(project / f"photos/Fish/Aus bus/{number}.jpg", number)
        delivery.picture(project / f"big/Butterfly/Bus cus/{number}.jpg", 10 + number)
    (project / "photos/Butterfly").symlink_to("../big/Butterfly")
    with runs.config_of(project) as config:
        config |= {
            "datasets": {"photos": {"source": {"layout": "folders", "folder": "photos"}}},
            "models": {"histogram": {"library": "histogram", "preprocess": "square_224"}},
            "compare": [],
            "clusters": {},
        }
    return project


def table(project, name):
    return pl.read_parquet(project / f"results/photos/{name}.parquet")


def test_a_linked_folder_is_told_then_followed_then_watched(project):
    output = runs.snakemake(project, "curate")
    assert table(project, "labels")["category"].unique().to_list() == ["Fish"]
    assert table(project, "quarantine").select("path", "reason").rows() == [("Butterfly", "linked_folder")]
    assert "linked folder" in (project / "results/photos/audit.html").read_text()
    last = output[output.index("The audit of photos: results/photos/audit.html") :].splitlines()
    assert last[1].startswith("The curation of photos warns")
    assert last[2].endswith("does not name where it leads: Butterfly (leads to ../big/Butterfly)")
    assert "  clean_labels: rows quarantined: 1 linked_folder" in last[3:6]

    with runs.config_of(project) as config:
        config["datasets"]["photos"]["source"]["follow_links"] = ["big"]
    output = runs.snakemake(project, "curate")
    assert "linked folder" not in output and (project / "results/photos/curation.passed").exists()
    assert sorted(table(project, "labels")["category"]) == ["Butterfly"] * 6 + ["Fish"] * 6

    delivery.picture(project / "big/Butterfly/Bus cus/new.jpg", 99)
    assert ("list_images", "photos") in runs.planned(project)
    runs.snakemake(project, "curate")
    assert "Butterfly/Bus cus/new.jpg" in table(project, "labels")["path"]


def test_a_run_that_fails_says_its_warnings_too(project):
    with runs.config_of(project) as config:
        config["datasets"]["photos"]["labels"] = {"policies": {"formatting": "stop"}}
    (project / "photos/Fish/Aus bus").rename(project / "photos/Fish/aus_bus")
    output = runs.snakemake(project, "curate", check=False)
    last = output[output.index("The curation of photos warns") :]
    assert "formatting: 6 rows" in output and "Butterfly (leads to ../big/Butterfly)" in last


@pytest.mark.parametrize("path", ["photos/Fish/Aus bus", "photos/captions.csv", "photos/Fish/Aus bus/0.jpg"])
def test_what_a_user_may_not_read_stops_the_run_by_name(project, path):
    skip_unless_permissions_count()
    delivery.table(project / "photos/captions.csv", ["image_path", "caption"], [])
    (project / path).chmod(0)
    output = runs.snakemake(project, "curate", check=False, within=AS_USER)
    (project / path).chmod(0o755)
    assert f"{path}: cannot be read (Permission denied): give this user the permission" in output
