"""Nothing old passes for new: failed jobs, files with old dates, inputs that change while they are read."""

import os
import shutil
import time
from pathlib import Path

import polars as pl
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from nearkin.storage import tables
from tests.workflow import runs
from tests.workflow.test_rebuilds import HISTOGRAM, SHARDS, delivered

pytestmark = pytest.mark.full

ENCODER = "results/museum/untrained"


def test_a_killed_embedding_leaves_no_old_numbers_under_a_new_encoder(finished, project, tmp_path):
    fails, scores = runs.let_jobs_fail(project), f"{ENCODER}/metrics.parquet"
    with runs.config_of(project) as config:
        config["models"]["untrained"]["seed"] = 2
    failing = {"FAILS": str(fails), "FAIL_RULES": "embed_images"}
    runs.snakemake(project, "--keep-going", scores, check=False, **failing)
    assert len(list(fails.iterdir())) == len(SHARDS)  # each was killed once
    assert not any((project / ENCODER / f"embeddings/{shard}.parquet").exists() for shard in SHARDS)
    assert not (project / "results/museum/checks.passed").exists()
    runs.snakemake(project, scores)
    fresh = runs.copy_project(tmp_path / "from nothing")
    shutil.copy2(project / runs.CONFIG, fresh)
    runs.snakemake(fresh, scores)
    assert same_below(project, fresh, ENCODER)
    assert (project / scores).read_bytes() != (finished / scores).read_bytes()


def test_a_killed_embedding_of_added_photos_heals_in_the_next_run(finished, tmp_path):
    project, scores = delivered(finished, tmp_path / "growing"), "results/grown/histogram/metrics.parquet"
    with runs.config_of(project) as config:
        config["models"], config["clusters"] = {"histogram": HISTOGRAM}, {}
    runs.snakemake(project, scores)
    add_images(project, finished, 10)
    fails = runs.let_jobs_fail(project)
    failing = {"FAILS": str(fails), "FAIL_RULES": "embed_images", "FAIL_TIMES": "1"}
    runs.snakemake(project, "--keep-going", scores, check=False, **failing)
    assert len(list(fails.iterdir())) == 1
    runs.snakemake(project, scores)
    healed = runs.contents(project)
    shutil.rmtree(project / "results/grown")
    runs.snakemake(project, scores)
    assert runs.contents(project) == healed


def test_a_better_checkpoint_with_an_old_date_is_noticed_and_its_copy_not(project):
    checkpoint, better = project / "checkpoints/mine.safetensors", project / "checkpoints/better.safetensors"
    model = {"library": "timm", "name": "resnet10t", "weights": "checkpoints/mine.safetensors"}
    with runs.config_of(project) as config:
        config["preprocessing"]["small_176"] = {"size": 176, "crop_pct": 0.875, "interpolation": "bicubic"}
        config["models"]["local"] = model | {"preprocess": "small_176"}
    checkpoint.parent.mkdir()
    for seed, path in ((1, checkpoint), (2, better)):
        torch.manual_seed(seed)
        save_file(timm.create_model("resnet10t", pretrained=False).state_dict(), path)
    long_ago = time.time() - 10**6
    os.utime(better, (long_ago, long_ago))
    target = "results/museum/local/encoder/encoder.json"
    runs.snakemake(project, target)
    again = shutil.copy(checkpoint, project / "checkpoints/again.safetensors")  # restored from a backup
    Path(again).replace(checkpoint)
    assert runs.planned(project, target) == set()
    better.replace(checkpoint)
    assert runs.planned(project, target) == {("prepare_encoder", "museum local")}


def test_replaced_images_are_inspected_though_the_first_run_was_killed(finished, tmp_path):
    project = delivered(finished, tmp_path / "replaced")
    inspections = [f"results/grown/inspection/{shard}.parquet" for shard in SHARDS]
    runs.snakemake(project, *inspections)
    replaced = {}
    for inspection in inspections:
        rows = pl.read_parquet(project / inspection).filter(pl.col("error").is_null())
        image = project / "delivery" / rows["path"][0]
        replaced[inspection] = rows["uuid"][0]
        Image.new("RGB", (50, 40), "red").save(image)
    fails = runs.let_jobs_fail(project)
    failing = {"FAILS": str(fails), "FAIL_RULES": "inspect_images", "FAIL_TIMES": "1", "FAIL_WAY": "SIGKILL"}
    runs.snakemake(project, "--cores", "1", *inspections, check=False, **failing)
    assert len(list(fails.iterdir())) == 1
    runs.snakemake(project, "results/grown/images.parquet")
    runs.snakemake(project, *inspections)
    for inspection, uuid in replaced.items():
        assert (
            pl.read_parquet(project / inspection).row(by_predicate=pl.col("uuid") == uuid, named=True)[
                "width"
            ]
            == 50
        )


@pytest.mark.parametrize("inside", [True, False])
def test_a_list_edited_while_it_is_read_is_read_again(project, tmp_path, inside):
    photos = project / "photos"
    photos.mkdir()
    for name in ("a", "b"):
        Image.effect_noise((40, 40), 50).save(photos / f"{name}.png")
    table = (photos if inside else project) / "list.csv"
    table.write_text("path,species,category\na.png,Aa bb,Fish\nb.png,Aa bb,Fish\n", encoding="utf-8")
    source = {"layout": "table", "folder": "photos", "table": str(table.relative_to(project))}
    source["columns"] = {"file": "path", "species": "species", "category": "category"}
    with runs.config_of(project) as config:
        config["datasets"] = {"listed": {"source": source}}
        config |= {"models": {"histogram": HISTOGRAM}, "compare": [], "clusters": {}}
    (project / "sitecustomize.py").write_text(EDITING.format(table=str(table)), encoding="utf-8")
    target = "results/listed/images.parquet"
    output = runs.snakemake(project, target, check=False, EDIT="1")
    assert "was changed" in output + runs.logs(project) and not (project / target).exists()
    runs.snakemake(project, target)
    assert set(pl.read_parquet(project / target)["raw_name"]) == {"Cc dd"}
    assert runs.planned(project, target) == set()


EDITING = """
import os, sys
from pathlib import Path
if "EDIT" in os.environ and sys.argv[0].endswith("list_images.py"):
    import nearkin.sources.image_table as tables
    listed = tables.list_images
    def edited(*args, **kwargs):
        rows, path = listed(*args, **kwargs), Path({table!r})
        path.write_text(path.read_text().replace("Aa bb", "Cc dd"))
        return rows
    tables.list_images = edited
"""


def test_two_versions_of_a_library_are_reported(project):
    path = project / f"{ENCODER}/neighbours.parquet"
    table, stamps = pl.read_parquet(path), tables.read_metadata(path)
    stamps["versions"] = stamps["versions"].replace('"torch": ["', '"torch": ["2.0.1", "')
    table.write_parquet(path, metadata={f"nearkin.{key}": value for key, value in stamps.items()})
    runs.snakemake(
        project, "--allowed-rules", "check_results", "write_report", "--", "results/museum/report.html"
    )
    assert "several versions of: torch 2.0.1 and " in (project / "results/museum/checks.passed").read_text()
    assert "several versions of libraries: torch 2.0.1 and " in (
        project / "results/museum/report.html"
    ).read_text(encoding="utf-8")


def test_results_of_another_split_are_refused_and_the_remedy_works(finished, project):
    other, hits = project / "other.parquet", project / f"{ENCODER}/query_scores.parquet"
    shutil.copy2(hits, other)
    with runs.config_of(project) as config:
        config["datasets"]["museum"]["split"]["seed"] = 2
    runs.snakemake(project, f"{ENCODER}/metrics.parquet")
    other.replace(hits)  # as a job of a killed run may do, late
    compared = "results/museum/comparisons/untrained/lite0/differences.parquet"
    output = runs.snakemake(project, "--allowed-rules", "compare_models", "--", compared, check=False)
    output += runs.logs(project)
    assert "was made from another version of results/museum/" in output
    remedy = output.split("snakemake --forcerun ")[1].split()[0]
    runs.snakemake(project, "--forcerun", remedy, "--", compared)


def test_lost_and_damaged_shards_heal_in_the_next_run(finished, project):
    shards = [project / f"{ENCODER}/embeddings/{shard}.parquet" for shard in SHARDS]
    shards[0].unlink()
    content = bytearray(shards[1].read_bytes())
    content[len(content) // 2] ^= 1
    shards[1].write_bytes(content)
    output = runs.snakemake(project, check=False) + runs.logs(project)
    assert "was renamed to 1.parquet.damaged: just rerun" in output
    runs.snakemake(project)
    assert same_below(project, finished, ENCODER, but=".damaged")
    assert (project / "results/museum/checks.passed").exists()


def test_checks_are_withdrawn_when_a_run_changes_what_they_checked(project):
    checks = project / "results/museum/checks.passed", project / "results/museum/curation.passed"
    runs.snakemake(project, "--forcerun", "write_audit", "--", "results/museum/audit.html")
    assert [check.exists() for check in checks] == [True, True]
    runs.snakemake(project, "--forcerun", "score_queries", "--", f"{ENCODER}/query_scores.parquet")
    assert [check.exists() for check in checks] == [False, True]
    runs.snakemake(project, "--forcerun", "split_images", "--", "results/museum/splits.parquet")
    assert [check.exists() for check in checks] == [False, False]


def add_images(project: Path, finished: Path, n: int) -> None:
    """Deliver copies of some images under new names."""
    labels = pl.read_parquet(finished / "results/museum/labels.parquet")
    for number, path in enumerate(labels.filter(pl.col("path").str.ends_with(".jpg"))["path"].head(n)):
        image = project / "delivery" / path
        shutil.copy(image, image.with_name(f"added_{number}.jpg"))


def same_below(one: Path, other: Path, folder: str, but: str = "\0") -> bool:
    """Whether all files below a folder of two projects have the same bytes."""
    found = [
        {path: sha for path, sha in runs.contents(project).items() if but not in path}
        for project in (one, other)
    ]
    below = folder.removeprefix("results/") + "/"
    ours, theirs = ({path: sha for path, sha in each.items() if path.startswith(below)} for each in found)
    return {path: sha for path, sha in ours.items() if path in theirs} == theirs
