"""The examples of the documentation run unchanged, on synthetic deliveries of the kind that they describe."""

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

EXAMPLES = documented.read_examples()
SPECIES = ["Aus bus", "Aus cus", "Bus dus"]
N_EACH = 20  # in pairs of one specimen: two groups per species for each of five folds


@pytest.fixture
def project(tmp_path):
    return runs.copy_project(tmp_path / "study")


def configure(project, example):
    config = documented.complete_config(example) | {"shards": 2, "recall": {"bootstrap_samples": 100}}
    (project / runs.CONFIG).write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return config


def write_pictures(folder, name_of):
    """Write N_EACH images per species, named by `name_of(species, number)`; returns names and species."""
    photos = [(name_of(species, i), species) for species in SPECIES for i in range(N_EACH)]
    for seed, (name, _) in enumerate(photos):
        delivery.picture(folder / name, seed, size=(40, 32))
    return photos


def write_moths(project):
    """Write the folder `photos`, and `list.tsv` with a table of the same photos."""
    photos = write_pictures(
        project / "photos",
        lambda species, i: f"Moth/{species}/specimen{i // 2}{SPECIES.index(species)}_{i}.jpg",
    )
    header = ["filename", "renamed", "genus", "epithet", "animal", "text"]
    rows = [(name.split("/")[-1], "", *species.split(), "", f"A {species}.") for name, species in photos]
    write_tsv(project / "list.tsv", header, rows)


def write_insects(project):
    photos = write_pictures(
        project / "bioscan5m/images/cropped_256", lambda species, i: f"P{SPECIES.index(species)}{i}.jpg"
    )
    header = ["processid", "order", "species", "sampleid", "split"]
    rows = [
        (name.removesuffix(".jpg"), "Diptera", species, name, "test" if number % 2 else "train")
        for number, (name, species) in enumerate(photos)
    ]
    delivery.table(project / "bioscan5m/metadata/csv/BIOSCAN_5M_Insect_Dataset_metadata.csv", header, rows)


def write_herbarium(project):
    """Write a delivery in which one species has no family."""
    photos = write_pictures(project / "sheets", lambda species, i: f"K{SPECIES.index(species)}{i}.jpg")
    rows = [
        (name.removesuffix(".jpg"), "K", species, "" if species == "Bus dus" else "Aidae")
        for name, species in photos
    ]
    write_tsv(
        project / "occurrence.txt", ["catalogNumber", "institutionCode", "scientificName", "family"], rows
    )


def write_fish(project):
    """Write a delivery in the layout of VLM4Bio, and the captions of a study of it."""
    photos = write_pictures(
        project / "data/VLM4Bio/datasets/Fish",
        lambda species, i: f"chunk_0/{species.replace(' ', '_')}_{i}.jpg",
    )
    rows = [(name.split("/")[-1], species) for name, species in photos]
    header = ["fileNameAsDelivered", "scientificName"]
    delivery.table(project / "data/VLM4Bio/datasets/Fish/metadata/metadata_10k.csv", header, rows)
    columns = {
        "path": [f"datasets/Fish/{name}" for name, _ in photos],
        "species": [name for _, name in photos],
    }
    (project / "results/vlm4bio").mkdir(parents=True)
    pl.DataFrame(columns | {"category": "Fish", "caption": "A fish."}).write_parquet(
        project / "results/vlm4bio/captions.parquet"
    )


def write_tsv(path, header, rows):
    path.write_text("\n".join("\t".join(row) for row in [header, *rows]) + "\n", encoding="utf-8")


def count_kept_images(project, dataset):
    """The number of kept images of a dataset by category, after a check of its results."""
    results = project / "results" / dataset
    assert (results / "audit.html").exists()
    assert pl.read_parquet(results / "quarantine.parquet").is_empty()
    labels = pl.read_parquet(results / "labels.parquet")
    assert set(labels["species"]) == set(SPECIES)
    return dict(labels.group_by("category").len().iter_rows())


def read_splits(project, dataset):
    return dict(
        pl.read_parquet(project / f"results/{dataset}/splits.parquet").select("uuid", "split").iter_rows()
    )


def test_the_documented_datasets_are_curated(project):
    for write_delivery in (write_moths, write_insects, write_herbarium, write_fish):
        write_delivery(project)
    blocks = [example["datasets"] for example in EXAMPLES.values() if "datasets" in example]
    later_block = next(block for block in blocks if "previous" in block.get("moths", {}).get("split", {}))
    blocks_now = [
        block for block in blocks if block is not later_block and not {"vlm4bio", "collection"} & set(block)
    ]
    datasets = {name: output for block in blocks_now for name, output in block.items()}
    configure(project, {"datasets": datasets})
    runs.run_snakemake(project, "curate")
    n = len(SPECIES) * N_EACH
    expected = dict.fromkeys(datasets, {"Moth": n})
    expected |= dict.fromkeys(["insects", "insects_published"], {"Diptera": n})
    expected |= {
        "herbarium": {"Aidae": 2 * N_EACH, "": N_EACH},
        "fish": {"": n},
        "again": {"Fish": n},
        "mine": {"": n},
    }
    assert {name: count_kept_images(project, name) for name in datasets} == expected
    assert sorted(read_splits(project, "insects_published").values()) == ["test"] * (n // 2) + ["train"] * (
        n // 2
    )
    assert "val" not in read_splits(project, "insects_published").values()
    (project / "splits").mkdir()
    shutil.copy(project / "results/moths/splits.parquet", project / "splits/moths_2025.parquet")
    before = read_splits(project, "moths")
    delivery.picture(project / "photos/Moth/Aus bus/specimen99_0.jpg", 99)
    configure(project, {"datasets": later_block})
    runs.run_snakemake(project, "curate")
    after = read_splits(project, "moths")
    assert len(after) == n + 1 and before.items() <= after.items()


@pytest.mark.slow
def test_the_documented_models_run_in_a_study(project):
    write_moths(project)
    (project / "checkpoints").mkdir()
    encoder = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    safetensors.torch.save_file(encoder.state_dict(), project / "checkpoints/mine.safetensors")
    paths = sorted(str(path.relative_to(project / "photos")) for path in project.glob("photos/Moth/*/*"))
    vectors = pl.DataFrame({"path": paths, "vector": [[float(i), 1.0, i % 7.0] for i in range(len(paths))]})
    vectors.write_parquet(project / "embeddings.parquet")
    models = {
        name: output for example in EXAMPLES.values() for name, output in example.get("models", {}).items()
    }
    clusters = next(example["clusters"] for example in EXAMPLES.values() if "clusters" in example)
    decoding = next(example for example in EXAMPLES.values() if "preprocessing" in example)
    example = decoding | {
        "models": {name: models[name] for name in ("mine", "elsewhere", "mine_unicom", "mine_by_looks")},
        "clusters": {"looks": clusters["looks"]},
        "compare": [["mine", "mine_unicom"], ["mine", "mine_by_looks"]],
    }
    configure(project, example)
    runs.run_snakemake(project)
    assert (project / "results/moths/checks.passed").exists()
    assert (project / "results/moths/report.html").exists()
