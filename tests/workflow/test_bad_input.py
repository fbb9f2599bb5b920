"""The error messages for wrong input, before or during a run."""

import re
import shutil

import polars as pl
import pytest
from PIL import Image

from nearkin.storage import tables
from tests.workflow import runs

HISTOGRAM = {"histogram": {"library": "histogram", "preprocess": "square_224"}}


@pytest.fixture
def project(tmp_path):
    return runs.copy_project(tmp_path / "study")


def configure(project, **changes):
    with runs.edit_config(project) as config:
        config |= changes


def write_folders(project, species, n=1, size=32):
    """Write a dataset of folders with distinct noise images, and configure a study of it."""
    for number, name in enumerate(species):
        for i in range(n):
            path = project / "photos" / "Fish" / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.effect_noise((size, size), 40 + 10 * number + i).save(path)
    configure(
        project,
        datasets={"photos": {"source": {"layout": "folders", "folder": "photos"}}},
        models=HISTOGRAM,
        compare=[],
        clusters={},
    )


def run_with_logs(project, *arguments):
    return runs.run_snakemake(project, *arguments, check=False) + runs.read_logs(project)


def test_an_unknown_key_stops_the_run_before_any_job(project):
    configure(project, sharts=3)
    output = run_with_logs(project)
    assert "config key (top level).sharts: unknown key; did you mean 'shards'?" in output
    assert not (project / "results").exists()


def test_a_duplicate_key_stops_the_run_before_any_job(project):
    with open(project / runs.CONFIG, "a", encoding="utf-8") as file:
        file.write("compare: []\n")
    output = run_with_logs(project)
    assert re.search(r"small.yaml: config key compare: is there 2 times, in lines \d+ and \d+, and", output)
    assert not (project / "results").exists()


def test_a_name_that_is_a_number_to_yaml_is_named(project):
    configure(project, datasets={2024: {"source": {"layout": "folders", "folder": "photos"}}})
    output = run_with_logs(project)
    assert "config key datasets.2024: the name 2024 is not a text; write it in quotes" in output
    configure(project, datasets={"2024": {"source": {"layout": "synthetic"}}})
    assert ("generate_synthetic", "2024") in runs.plan_jobs(project)


def test_a_missing_folder(project):
    configure(
        project,
        datasets={"photos": {"source": {"layout": "folders", "folder": "nowhere"}}},
        models=HISTOGRAM,
        compare=[],
        clusters={},
    )
    assert "no folder 'nowhere'" in run_with_logs(project)


def test_an_empty_folder(project):
    write_folders(project, [])
    (project / "photos").mkdir()
    assert "photos" in run_with_logs(project, "curate") and "no image" in run_with_logs(project, "curate")


def test_a_dataset_in_which_no_image_can_be_read(project):
    write_folders(project, ["Aa bb", "Aa cc"], n=2)
    for path in (project / "photos").rglob("*.png"):
        path.write_text("not an image")
    assert "none of 4 images can be read" in run_with_logs(project, "curate")


@pytest.mark.full
def test_species_with_one_image_one_category_and_k_beyond_the_gallery(project):
    write_folders(project, ["Aa bb", "Aa cc"], n=6)
    write_folders(project, ["Aa dd"], n=1)
    runs.run_snakemake(project)
    assert (project / "results/photos/checks.passed").exists()


def test_a_nan_in_an_embedding_is_named(finished_study, tmp_path):
    project = tmp_path / "copied"
    shutil.copytree(finished_study, project, symlinks=True)
    path = project / "results/museum/lite0/embeddings/0.parquet"
    table = pl.read_parquet(path)
    kept_uuids = pl.read_parquet(project / "results/museum/splits.parquet")["uuid"]
    row = table["uuid"].is_in(kept_uuids.implode()).arg_max()
    uuid, vectors = table["uuid"][row], table["emb"].to_numpy().copy()
    vectors[row, 0] = float("nan")
    damaged_table = table.with_columns(emb=pl.Series(vectors, dtype=table.schema["emb"]))
    damaged_table.write_parquet(
        path, metadata={f"nearkin.{key}": value for key, value in tables.read_metadata(path).items()}
    )
    output = run_with_logs(project, "--force", "results/museum/lite0/neighbours.parquet")
    assert uuid in output and "is not finite" in output


def test_an_unknown_model_name_is_answered_with_similar_names(project):
    models = {"near": {"library": "timm", "name": "resnet5", "weights": "random", "preprocess": "square_224"}}
    configure(project, models=models, compare=[], clusters={})
    output = run_with_logs(project, "results/museum/near/encoder/encoder.json")
    assert "resnet5" in output and "resnet50" in output


def test_a_damaged_checkpoint_is_named_before_any_other_job(project):
    (project / "weights").mkdir()
    (project / "weights/broken.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0 broken")
    model = {"library": "timm", "name": "resnet10t", "weights": "weights/broken.safetensors"}
    configure(project, models={"broken": model | {"preprocess": "square_224"}}, compare=[], clusters={})
    assert "weights/broken.safetensors: damaged" in run_with_logs(project, "--cores", "1")
    assert not (project / "results/museum/delivery").exists()


@pytest.mark.full
def test_encoders_are_prepared_before_other_jobs(project):
    models = {f"m{i}": HISTOGRAM["histogram"] for i in range(3)}
    configure(project, models=models, compare=[], clusters={})
    targets = [f"results/museum/{name}/encoder/encoder.json" for name in models]
    output = runs.run_snakemake(project, "--cores", "1", *targets, "results/museum/images.parquet")
    order = re.findall(r"^(?:local)?rule (\w+):", output, re.MULTILINE)
    assert order == [*["prepare_encoder"] * 3, "generate_synthetic", "list_images"]


@pytest.mark.full
def test_a_split_without_a_test_image_is_named_early(project):
    write_folders(project, ["Aa bb", "Aa cc"], n=2)
    assert "photos: no image of a named species is tested" in run_with_logs(project, "--cores", "1")
    assert not (project / "results/photos/pixels").exists()


def test_a_preprocessing_that_does_not_fit_is_named_early(project):
    model = {
        "library": "pip_weights",
        "name": "efficientnet_lite0",
        "weights": "random",
        "preprocess": "small",
    }
    small = {"small": {"size": 96, "crop_pct": 0.875}}
    configure(project, models={"lite0": model}, preprocessing=small, compare=[], clusters={})
    assert "sees images as {'size': 224, 'crop_pct': 0.875" in run_with_logs(project, "--cores", "1")
    assert not (project / "results/museum/delivery").exists()
