"""Whole studies of images without categories, of one category, and with one image without a category."""

import json

import polars as pl
import pytest

from tests.factories import delivery
from tests.workflow import runs
from tests.workflow.test_rebuilds import HISTOGRAM

pytestmark = pytest.mark.full

SPECIES = ["Aus bus", "Aus cus", "Bus dus", "Cus eus"]
N_EACH = 9
N_IMAGES = len(SPECIES) * N_EACH
FINETUNED = {"finetune": {"base": "lite0", "trainable": "head", "epochs": 1}}


def write_photos(folder, category=""):
    """Write the images <category>/<species>/<number>.png; returns a table row for each."""
    rows = []
    for number in range(N_IMAGES):
        path = f"{SPECIES[number % len(SPECIES)]}/{number}.png"
        delivery.picture(folder / category / path, number, size=(40, 32))
        rows.append((path, path.split("/")[0], "" if number == 0 else "Aidae" if number % 2 else "Bidae"))
    return rows


def run_study(project, *, compare=(), models=None, **source):
    """The results of a whole study of the images in `photos`, with a histogram and further `models`."""
    with runs.edit_config(project) as config:
        config["datasets"] = {
            "photos": {"source": {"folder": "photos"} | source, "split": {"held_out_species": 0.25}}
        }
        config["models"] = {"histogram": HISTOGRAM} | {
            name: model or config["models"][name] for name, model in (models or {}).items()
        }
        config |= {"clusters": {}, "compare": [*compare]}
    runs.run_snakemake(project)
    return project / "results/photos"


@pytest.fixture
def project(tmp_path):
    return runs.copy_project(tmp_path / "study")


def read_levels(results):
    return {row["level"] for row in json.loads((results / "headline.json").read_text())["recalls"]}


def count_images(results):
    """The number of images of each category in the statistics."""
    table = pl.read_parquet(results / "statistics.parquet").filter(split="all")
    return dict(table.select("category", "n_images").iter_rows())


def read_recall_categories(results):
    """The categories that have recalls over all their labels."""
    return set(pl.read_parquet(results / "histogram/metrics.parquet").filter(label="all")["category"])


def read_pages(results):
    assert (results / "checks.passed").read_text().startswith("all invariants hold\n")
    return (results / "report.html").read_text(), (results / "audit.html").read_text()


def test_a_study_without_categories(project):
    write_photos(project / "photos")
    models, compare = {"lite0": None, "tuned": FINETUNED}, [["lite0", "tuned"]]
    results = run_study(project, models=models, compare=compare, layout="folders")
    report, audit = read_pages(results)
    assert read_levels(results) == {"genus", "species"}
    assert count_images(results) == {"all": N_IMAGES}
    assert read_recall_categories(results) == {"all"}
    assert set(pl.read_parquet(results / "labels.parquet")["category"]) == {""}
    assert "no category" not in report + audit
    assert '<th scope="col">Category</th><th scope="col">Protocol</th>' not in report


def test_a_study_of_one_category(project):
    write_photos(project / "photos", "Fish")
    results = run_study(project, layout="folders")
    report, _ = read_pages(results)
    assert read_levels(results) == {"category", "genus", "species"}
    assert count_images(results) == {"all": N_IMAGES, "Fish": N_IMAGES}
    assert read_recall_categories(results) == {"all", "Fish"}
    assert '<th scope="col">Category</th><th scope="col">Protocol</th>' in report


def test_a_study_in_which_one_image_has_no_category(project):
    rows = write_photos(project / "photos")
    delivery.table(project / "list.csv", ["file", "species", "family"], rows)
    columns = {"file": "file", "species": "species", "category": "family"}
    results = run_study(project, layout="table", table="list.csv", columns=columns)
    report, audit = read_pages(results)
    assert read_levels(results) == {"category", "genus", "species"}
    assert count_images(results) == {
        "all": N_IMAGES,
        "": 1,
        "Aidae": N_IMAGES // 2,
        "Bidae": N_IMAGES // 2 - 1,
    }
    assert read_recall_categories(results) == {
        "all",
        "Aidae",
        "Bidae",
    }  # the only image of a species in a category is in train
    assert "no category" in report and "no category" in audit
