"""Examples of the documentation run as they stand there, on made-up deliveries of the kind that they name."""

import shutil

import polars as pl
import pytest
import safetensors.torch
import timm
import yaml

from tests import documented
from tests.factories import delivery
from tests.workflow import runs

pytestmark = pytest.mark.full

EXAMPLES = documented.examples()
SPECIES = ["Aus bus", "Aus cus", "Bus dus"]
N_EACH = 20  # in pairs of one specimen: two groups of a species for each of five folds


@pytest.fixture
def project(tmp_path):
    return runs.copy_project(tmp_path / "study")


def configure(project, example):
    config = documented.study(example) | {"shards": 2, "recall": {"bootstrap_samples": 100}}
    (project / runs.CONFIG).write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return config


def pictures(folder, name_of):
    """The names of N_EACH pictures of each species, `name_of(species, number)`, and their species."""
    named = [(name_of(species, i), species) for species in SPECIES for i in range(N_EACH)]
    for seed, (name, _) in enumerate(named):
        delivery.picture(folder / name, seed, size=(40, 32))
    return named


def moths(project):
    """Folders, and a table of the same photos: `photos`, `list.tsv`."""
    named = pictures(
        project / "photos",
        lambda species, i: f"Moth/{species}/specimen{i // 2}{SPECIES.index(species)}_{i}.jpg",
    )
    header = ["filename", "renamed", "genus", "epithet", "animal", "text"]
    rows = [(name.split("/")[-1], "", *species.split(), "", f"A {species}.") for name, species in named]
    written(project / "list.tsv", header, rows)


def insects(project):
    named = pictures(
        project / "bioscan5m/images/cropped_256", lambda species, i: f"P{SPECIES.index(species)}{i}.jpg"
    )
    header = ["processid", "order", "species", "sampleid", "split"]
    rows = [
        (name.removesuffix(".jpg"), "Diptera", species, name, "test" if number % 2 else "train")
        for number, (name, species) in enumerate(named)
    ]
    delivery.table(project / "bioscan5m/metadata/csv/BIOSCAN_5M_Insect_Dataset_metadata.csv", header, rows)


def herbarium(project):
    """Of one species the family is not known."""
    named = pictures(project / "sheets", lambda species, i: f"K{SPECIES.index(species)}{i}.jpg")
    rows = [
        (name.removesuffix(".jpg"), "K", species, "" if species == "Bus dus" else "Aidae")
        for name, species in named
    ]
    written(
        project / "occurrence.txt", ["catalogNumber", "institutionCode", "scientificName", "family"], rows
    )


def fish(project):
    """VLM4Bio's own layout, and the captions that a study made of it."""
    named = pictures(
        project / "data/VLM4Bio/datasets/Fish",
        lambda species, i: f"chunk_0/{species.replace(' ', '_')}_{i}.jpg",
    )
    rows = [(name.split("/")[-1], species) for name, species in named]
    header = ["fileNameAsDelivered", "scientificName"]
    delivery.table(project / "data/VLM4Bio/datasets/Fish/metadata/metadata_10k.csv", header, rows)
    columns = {"path": [f"datasets/Fish/{name}" for name, _ in named], "species": [name for _, name in named]}
    (project / "results/vlm4bio").mkdir(parents=True)
    pl.DataFrame(columns | {"category": "Fish", "caption": "A fish."}).write_parquet(
        project / "results/vlm4bio/captions.parquet"
    )


def written(path, header, rows):
    path.write_text("\n".join("\t".join(row) for row in [header, *rows]) + "\n", encoding="utf-8")


def curated(project, dataset):
    """The categories of the kept images of a dataset and how many each has, once all is well with it."""
    results = project / "results" / dataset
    assert (results / "audit.html").exists()
    assert pl.read_parquet(results / "quarantine.parquet").is_empty()
    labels = pl.read_parquet(results / "labels.parquet")
    assert set(labels["species"]) == set(SPECIES)
    return dict(labels.group_by("category").len().iter_rows())


def sides(project, dataset):
    return dict(
        pl.read_parquet(project / f"results/{dataset}/splits.parquet").select("uuid", "split").iter_rows()
    )


def test_the_documented_datasets_are_curated(project):
    for deliver in (moths, insects, herbarium, fish):
        deliver(project)
    blocks = [one["datasets"] for one in EXAMPLES.values() if "datasets" in one]
    later = next(one for one in blocks if "previous" in one.get("moths", {}).get("split", {}))
    now = [one for one in blocks if one is not later and not {"vlm4bio", "collection"} & set(one)]
    datasets = {name: output for one in now for name, output in one.items()}
    configure(project, {"datasets": datasets})
    runs.snakemake(project, "curate")
    n = len(SPECIES) * N_EACH
    expected = dict.fromkeys(datasets, {"Moth": n})
    expected |= dict.fromkeys(["insects", "insects_published"], {"Diptera": n})
    expected |= {
        "herbarium": {"Aidae": 2 * N_EACH, "": N_EACH},
        "fish": {"": n},
        "again": {"Fish": n},
        "mine": {"": n},
    }
    assert {name: curated(project, name) for name in datasets} == expected
    assert sorted(sides(project, "insects_published").values()) == ["test"] * (n // 2) + ["train"] * (n // 2)
    assert "val" not in sides(project, "insects_published").values()
    (project / "splits").mkdir()
    shutil.copy(project / "results/moths/splits.parquet", project / "splits/moths_2025.parquet")
    before = sides(project, "moths")
    delivery.picture(project / "photos/Moth/Aus bus/specimen99_0.jpg", 99)
    configure(project, {"datasets": later})
    runs.snakemake(project, "curate")
    after = sides(project, "moths")
    assert len(after) == n + 1 and before.items() <= after.items()


@pytest.mark.slow
def test_the_documented_models_make_a_study(project):
    moths(project)
    (project / "checkpoints").mkdir()
    encoder = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    safetensors.torch.save_file(encoder.state_dict(), project / "checkpoints/mine.safetensors")
    paths = sorted(str(path.relative_to(project / "photos")) for path in project.glob("photos/Moth/*/*"))
    vectors = pl.DataFrame({"path": paths, "vector": [[float(i), 1.0, i % 7.0] for i in range(len(paths))]})
    vectors.write_parquet(project / "embeddings.parquet")
    named = {name: output for one in EXAMPLES.values() for name, output in one.get("models", {}).items()}
    clusters = next(one["clusters"] for one in EXAMPLES.values() if "clusters" in one)
    decoding = next(one for one in EXAMPLES.values() if "preprocessing" in one)
    example = decoding | {
        "models": {name: named[name] for name in ("mine", "elsewhere", "mine_unicom", "mine_by_looks")},
        "clusters": {"looks": clusters["looks"]},
        "compare": [["mine", "mine_unicom"], ["mine", "mine_by_looks"]],
    }
    configure(project, example)
    runs.snakemake(project)
    assert (project / "results/moths/checks.passed").exists()
    assert (project / "results/moths/report.html").exists()
