"""Old results never pass as new: failed jobs, files with old dates, inputs that change during a run."""

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
from tests.workflow.test_rebuilds import HISTOGRAM, SHARDS, make_delivered_project

pytestmark = pytest.mark.full

ENCODER = "results/museum/untrained"


def test_a_killed_embedding_leaves_no_old_scores_of_a_new_encoder(finished_study, project, tmp_path):
    fails, scores = runs.let_jobs_fail(project), f"{ENCODER}/metrics.parquet"
    with runs.edit_config(project) as config:
        config["models"]["untrained"]["seed"] = 2
    failing = {"FAILS": str(fails), "FAIL_RULES": "embed_images"}
    runs.run_snakemake(project, "--keep-going", scores, check=False, **failing)
    assert len(list(fails.iterdir())) == len(SHARDS)  # one for each killed job
    assert not any((project / ENCODER / f"embeddings/{shard}.parquet").exists() for shard in SHARDS)
    assert not (project / "results/museum/checks.passed").exists()
    runs.run_snakemake(project, scores)
    new_project = runs.copy_project(tmp_path / "from nothing")
    shutil.copy2(project / runs.CONFIG, new_project)
    runs.run_snakemake(new_project, scores)
    assert have_same_bytes(project, new_project, ENCODER)
    assert (project / scores).read_bytes() != (finished_study / scores).read_bytes()


def test_a_killed_embedding_of_added_photos_is_completed_by_a_rerun(finished_study, tmp_path):
    project, scores = (
        make_delivered_project(finished_study, tmp_path / "growing"),
        "results/grown/histogram/metrics.parquet",
    )
    with runs.edit_config(project) as config:
        config["models"], config["clusters"] = {"histogram": HISTOGRAM}, {}
    runs.run_snakemake(project, scores)
    add_image_copies(project, finished_study, 10)
    fails = runs.let_jobs_fail(project)
    failing = {"FAILS": str(fails), "FAIL_RULES": "embed_images", "FAIL_TIMES": "1"}
    runs.run_snakemake(project, "--keep-going", scores, check=False, **failing)
    assert len(list(fails.iterdir())) == 1
    runs.run_snakemake(project, scores)
    digests = runs.digest_results(project)
    shutil.rmtree(project / "results/grown")
    runs.run_snakemake(project, scores)
    assert runs.digest_results(project) == digests


def test_a_new_checkpoint_with_an_old_date_is_detected(project):
    checkpoint, new_checkpoint = (
        project / "checkpoints/mine.safetensors",
        project / "checkpoints/better.safetensors",
    )
    model = {"library": "timm", "name": "resnet10t", "weights": "checkpoints/mine.safetensors"}
    with runs.edit_config(project) as config:
        config["preprocessing"]["small_176"] = {"size": 176, "crop_pct": 0.875, "interpolation": "bicubic"}
        config["models"]["local"] = model | {"preprocess": "small_176"}
    checkpoint.parent.mkdir()
    for seed, path in ((1, checkpoint), (2, new_checkpoint)):
        torch.manual_seed(seed)
        save_file(timm.create_model("resnet10t", pretrained=False).state_dict(), path)
    long_ago = time.time() - 10**6
    os.utime(new_checkpoint, (long_ago, long_ago))
    target = "results/museum/local/encoder/encoder.json"
    runs.run_snakemake(project, target)
    restored = shutil.copy(checkpoint, project / "checkpoints/again.safetensors")  # as from a backup
    Path(restored).replace(checkpoint)
    assert runs.plan_jobs(project, target) == set()
    new_checkpoint.replace(checkpoint)
    assert runs.plan_jobs(project, target) == {("prepare_encoder", "museum local")}


def test_replaced_images_are_inspected_after_a_killed_run(finished_study, tmp_path):
    project = make_delivered_project(finished_study, tmp_path / "replaced")
    inspections = [f"results/grown/inspection/{shard}.parquet" for shard in SHARDS]
    runs.run_snakemake(project, *inspections)
    replaced = {}
    for inspection in inspections:
        rows = pl.read_parquet(project / inspection).filter(pl.col("error").is_null())
        image = project / "delivery" / rows["path"][0]
        replaced[inspection] = rows["uuid"][0]
        Image.new("RGB", (50, 40), "red").save(image)
    fails = runs.let_jobs_fail(project)
    failing = {"FAILS": str(fails), "FAIL_RULES": "inspect_images", "FAIL_TIMES": "1", "FAIL_WITH": "SIGKILL"}
    runs.run_snakemake(project, "--cores", "1", *inspections, check=False, **failing)
    assert len(list(fails.iterdir())) == 1
    runs.run_snakemake(project, "results/grown/images.parquet")
    runs.run_snakemake(project, *inspections)
    for inspection, uuid in replaced.items():
        assert (
            pl.read_parquet(project / inspection).row(by_predicate=pl.col("uuid") == uuid, named=True)[
                "width"
            ]
            == 50
        )


@pytest.mark.parametrize("is_inside", [True, False])
def test_a_list_edited_while_it_is_read_is_read_again(project, tmp_path, is_inside):
    photos = project / "photos"
    photos.mkdir()
    for name in ("a", "b"):
        Image.effect_noise((40, 40), 50).save(photos / f"{name}.png")
    table = (photos if is_inside else project) / "list.csv"
    table.write_text("path,species,category\na.png,Aa bb,Fish\nb.png,Aa bb,Fish\n", encoding="utf-8")
    source = {"layout": "table", "folder": "photos", "table": str(table.relative_to(project))}
    source["columns"] = {"file": "path", "species": "species", "category": "category"}
    with runs.edit_config(project) as config:
        config["datasets"] = {"listed": {"source": source}}
        config |= {"models": {"histogram": HISTOGRAM}, "compare": [], "clusters": {}}
    (project / "sitecustomize.py").write_text(EDITING_CODE.format(table=str(table)), encoding="utf-8")
    target = "results/listed/images.parquet"
    output = runs.run_snakemake(project, target, check=False, EDIT="1")
    assert "was changed" in output + runs.read_logs(project) and not (project / target).exists()
    runs.run_snakemake(project, target)
    assert set(pl.read_parquet(project / target)["raw_name"]) == {"Cc dd"}
    assert runs.plan_jobs(project, target) == set()


EDITING_CODE = """
import os, sys
from pathlib import Path
if "EDIT" in os.environ and sys.argv[0].endswith("list_images.py"):
    import nearkin.sources.image_table as tables
    list_images = tables.list_images
    def list_then_edit(*args, **kwargs):
        rows, path = list_images(*args, **kwargs), Path({table!r})
        path.write_text(path.read_text().replace("Aa bb", "Cc dd"))
        return rows
    tables.list_images = list_then_edit
"""


def test_two_versions_of_a_library_are_reported(project):
    path = project / f"{ENCODER}/neighbours.parquet"
    table, metadata = pl.read_parquet(path), tables.read_metadata(path)
    metadata["versions"] = metadata["versions"].replace('"torch": ["', '"torch": ["2.0.1", "')
    table.write_parquet(path, metadata={f"nearkin.{key}": value for key, value in metadata.items()})
    runs.run_snakemake(
        project, "--allowed-rules", "check_results", "write_report", "--", "results/museum/report.html"
    )
    assert "several versions of: torch 2.0.1 and " in (project / "results/museum/checks.passed").read_text()
    assert "several versions of libraries: torch 2.0.1 and " in (
        project / "results/museum/report.html"
    ).read_text(encoding="utf-8")


def test_results_of_another_split_are_refused_and_the_hint_works(finished_study, project):
    other, scores_path = project / "other.parquet", project / f"{ENCODER}/query_scores.parquet"
    shutil.copy2(scores_path, other)
    with runs.edit_config(project) as config:
        config["datasets"]["museum"]["split"]["seed"] = 2
    runs.run_snakemake(project, f"{ENCODER}/metrics.parquet")
    other.replace(scores_path)  # as a late job of a killed run may do
    differences = "results/museum/comparisons/untrained/lite0/differences.parquet"
    output = runs.run_snakemake(project, "--allowed-rules", "compare_models", "--", differences, check=False)
    output += runs.read_logs(project)
    assert "was made from another version of results/museum/" in output
    rule = output.split("snakemake --forcerun ")[1].split()[0]
    runs.run_snakemake(project, "--forcerun", rule, "--", differences)


def test_missing_and_damaged_shards_are_repaired_by_the_next_run(finished_study, project):
    shards = [project / f"{ENCODER}/embeddings/{shard}.parquet" for shard in SHARDS]
    shards[0].unlink()
    content = bytearray(shards[1].read_bytes())
    content[len(content) // 2] ^= 1
    shards[1].write_bytes(content)
    output = runs.run_snakemake(project, check=False) + runs.read_logs(project)
    assert "was renamed to 1.parquet.damaged: just rerun" in output
    runs.run_snakemake(project)
    assert have_same_bytes(project, finished_study, ENCODER, ignored_suffix=".damaged")
    assert (project / "results/museum/checks.passed").exists()


def test_checks_are_withdrawn_when_a_run_changes_what_they_checked(project):
    checks = project / "results/museum/checks.passed", project / "results/museum/curation.passed"
    runs.run_snakemake(project, "--forcerun", "write_audit", "--", "results/museum/audit.html")
    assert [check.exists() for check in checks] == [True, True]
    runs.run_snakemake(project, "--forcerun", "score_queries", "--", f"{ENCODER}/query_scores.parquet")
    assert [check.exists() for check in checks] == [False, True]
    runs.run_snakemake(project, "--forcerun", "split_images", "--", "results/museum/splits.parquet")
    assert [check.exists() for check in checks] == [False, False]


def add_image_copies(project: Path, finished_study: Path, n: int) -> None:
    """Add copies of some images under new names to the delivery."""
    labels = pl.read_parquet(finished_study / "results/museum/labels.parquet")
    for number, path in enumerate(labels.filter(pl.col("path").str.ends_with(".jpg"))["path"].head(n)):
        image = project / "delivery" / path
        shutil.copy(image, image.with_name(f"added_{number}.jpg"))


def have_same_bytes(project: Path, other: Path, folder: str, ignored_suffix: str = "\0") -> bool:
    """Whether all files below a folder of two projects have the same bytes."""
    prefix = folder.removeprefix("results/") + "/"
    digests, other_digests = (
        {
            path: digest
            for path, digest in runs.digest_results(root).items()
            if path.startswith(prefix) and ignored_suffix not in path
        }
        for root in (project, other)
    )
    return {path: digest for path, digest in digests.items() if path in other_digests} == other_digests
