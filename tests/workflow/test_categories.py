"""Whole studies of images without categories, of one category, and with one image that has none."""

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
TUNED = {"finetune": {"base": "lite0", "trainable": "head", "epochs": 1}}


def photos(folder, category=""):
    """A picture of each image in <category>/<species>/<number>.png; a row of a table for each."""
    rows = []
    for number in range(N_IMAGES):
        path = f"{SPECIES[number % len(SPECIES)]}/{number}.png"
        delivery.picture(folder / category / path, number, size=(40, 32))
        rows.append((path, path.split("/")[0], "" if number == 0 else "Aidae" if number % 2 else "Bidae"))
    return rows


def study(project, *, compare=(), models=None, **source):
    """The results of a whole study of the pictures in `photos`, of their histograms if nothing is said."""
    with runs.config_of(project) as config:
        config["datasets"] = {
            "photos": {"source": {"folder": "photos"} | source, "split": {"held_out_species": 0.25}}
        }
        config["models"] = {"histogram": HISTOGRAM} | {
            name: model or config["models"][name] for name, model in (models or {}).items()
        }
        config |= {"clusters": {}, "compare": [*compare]}
    runs.snakemake(project)
    return project / "results/photos"


@pytest.fixture
def project(tmp_path):
    return runs.copy_project(tmp_path / "study")


def levels(results):
    return {row["level"] for row in json.loads((results / "headline.json").read_text())["recalls"]}


def n_images(results):
    """How many images each category has, as the statistics count them."""
    table = pl.read_parquet(results / "statistics.parquet").filter(split="all")
    return dict(table.select("category", "n_images").iter_rows())


def asked(results):
    """The categories that have recalls of all their labels."""
    return set(pl.read_parquet(results / "histogram/metrics.parquet").filter(label="all")["category"])


def whole(results):
    assert (results / "checks.passed").read_text().startswith("all invariants hold\n")
    return (results / "report.html").read_text(), (results / "audit.html").read_text()


def test_a_study_without_categories(project):
    photos(project / "photos")
    models, compare = {"lite0": None, "tuned": TUNED}, [["lite0", "tuned"]]
    results = study(project, models=models, compare=compare, layout="folders")
    report, audit = whole(results)
    assert levels(results) == {"genus", "species"}
    assert n_images(results) == {"all": N_IMAGES}
    assert asked(results) == {"all"}
    assert set(pl.read_parquet(results / "labels.parquet")["category"]) == {""}
    assert "no category" not in report + audit
    assert '<th scope="col">Category</th><th scope="col">Protocol</th>' not in report


def test_a_study_of_one_category(project):
    photos(project / "photos", "Fish")
    results = study(project, layout="folders")
    report, _ = whole(results)
    assert levels(results) == {"category", "genus", "species"}
    assert n_images(results) == {"all": N_IMAGES, "Fish": N_IMAGES}
    assert asked(results) == {"all", "Fish"}
    assert '<th scope="col">Category</th><th scope="col">Protocol</th>' in report


def test_a_study_in_which_one_image_has_no_category(project):
    rows = photos(project / "photos")
    delivery.table(project / "list.csv", ["file", "species", "family"], rows)
    columns = {"file": "file", "species": "species", "category": "family"}
    results = study(project, layout="table", table="list.csv", columns=columns)
    report, audit = whole(results)
    assert levels(results) == {"category", "genus", "species"}
    assert n_images(results) == {"all": N_IMAGES, "": 1, "Aidae": N_IMAGES // 2, "Bidae": N_IMAGES // 2 - 1}
    assert asked(results) == {"all", "Aidae", "Bidae"}  # an image alone in its species and category trains
    assert "no category" in report and "no category" in audit
