"""The jobs that a change reruns: the exact set, from a dry run on the finished study."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.workflow import runs

SHARDS = ["0", "1"]
MODELS = ["untrained", "lite0", "tuned"]
PLOT_RULES = [
    "plot_improvement",
    "plot_improvement_by_training_size",
    "plot_paired_recall",
    "plot_most_changed",
]
COMPARISON_RULES = [
    "compare_models",
    "evaluate_claims",
    "fit_trend",
    "write_reference_comparison",
    *PLOT_RULES,
]
CONTACT_SHEET_RULES = ["select_contact_sheets", "draw_contact_sheets"]
HISTOGRAM = {"library": "histogram", "preprocess": "square_224"}
PREVIOUS = "splits/earlier.parquet"
PAIRS = {"untrained lite0": ["untrained", "lite0"], "lite0 tuned": ["lite0", "tuned"]}


def report_jobs():
    return {("write_report", "museum"), ("check_results", "museum")} | resource_usage_jobs()


def resource_usage_jobs():
    """Resource usage is collected again when the study's pages or checks change."""
    return {("collect_resource_usage", "museum"), ("plot_resource_usage", "museum")}


def csv_jobs():
    return {("export_csv", "museum")}


def audit_jobs():
    return {("check_curation", "museum"), ("write_audit", "museum")}


def comparison_jobs(*models):
    """Comparisons with one of the models, their figures and contact sheets."""
    pairs = [pair for pair, models_of_pair in PAIRS.items() if set(models_of_pair) & set(models)]
    return (
        {(rule, f"museum {pair}") for rule in COMPARISON_RULES for pair in pairs}
        | thumbnail_jobs(*pairs)
        | csv_jobs()
    )


def thumbnail_jobs(*pairs):
    """Thumbnails and contact sheets, when the selections of some pairs run again."""
    selections = {("select_contact_sheets", f"museum {pair}") for pair in pairs}
    return selections | {("draw_thumbnails", f"museum {shard}") for shard in SHARDS} | contact_sheet_jobs()


def contact_sheet_jobs():
    return {("draw_contact_sheets", f"museum {pair}") for pair in PAIRS}


def score_jobs(*models):
    rules = ["score_queries", "compute_recall_curve", "tabulate_training_size", "write_training_size_text"]
    rules += ["plot_training_size", "plot_training_buckets"]
    model_jobs = {(rule, f"museum {model}") for rule in rules for model in models}
    shared = {(rule, "museum") for rule in ("plot_recall", "plot_recall_curve", "plot_reachable")}
    shared |= {(rule, "museum") for rule in ("write_headline", "compare_all_pairs", "plot_all_pairs")}
    shared |= {(rule, "museum") for rule in ("compare_seeds", "plot_seeds")}
    return model_jobs | shared | comparison_jobs(*models) | report_jobs()


def search_jobs(*models):
    rules = ["join_neighbours", "count_confusions", "plot_confusions", "select_examples"]
    model_jobs = {(rule, f"museum {model}") for rule in rules for model in models}
    return {("search_neighbours", f"museum {model} 0") for model in models} | model_jobs | score_jobs(*models)


def leakage_jobs():
    return {("audit_leakage", "museum"), ("plot_leakage", "museum")} | csv_jobs()


def embedding_jobs(*models):
    """The base of the last pair is also the model of the leakage audit and of the clusters for training."""
    shards = {("embed_images", f"museum {model} {shard}") for model in models for shard in SHARDS}
    lists = {("index_embeddings", f"museum {model}") for model in models}
    return (
        shards
        | lists
        | search_jobs(*models)
        | (leakage_jobs() | cluster_jobs() if "lite0" in models else set())
    )


def training_jobs():
    model_jobs = {(rule, "museum tuned") for rule in ("finetune_encoder", "plot_training")}
    return model_jobs | embedding_jobs("tuned")


def cluster_jobs():
    return {("cluster_images", "museum looks")} | training_jobs()


def decoding_jobs():
    """The pixels of all models."""
    return {("cache_pixels", f"museum square_224 {shard}") for shard in SHARDS}


def split_jobs():
    """Embeddings of encoders without training do not depend on splits."""
    return (
        {("split_images", "museum"), ("describe_dataset", "museum")}
        | cluster_jobs()
        | search_jobs(*MODELS)
        | leakage_jobs()
        | audit_jobs()
    )


def figure_jobs():
    shared_rules = ["plot_recall", "plot_recall_curve", "plot_reachable", "plot_all_pairs", "plot_leakage"]
    shared_rules += ["plot_seeds"]
    model_rules = ["plot_training_size", "plot_training_buckets", "plot_confusions"]
    return (
        {(rule, "museum") for rule in shared_rules}
        | {("plot_training", "museum tuned")}
        | {(rule, f"museum {model}") for rule in model_rules for model in MODELS}
        | {(rule, f"museum {pair}") for rule in PLOT_RULES for pair in PAIRS}
    )


def ranking_jobs():
    """The ranking affects comparisons and the analysis by training size."""
    texts = {("write_training_size_text", f"museum {model}") for model in MODELS}
    texts_without_ranking = {("write_reference_comparison", f"museum {pair}") for pair in PAIRS}
    return (comparison_jobs(*MODELS) - texts_without_ranking) | texts | report_jobs()


CODE = {
    "scripts/embed_images.py": embedding_jobs(*MODELS),
    "scripts/finetune_encoder.py": training_jobs(),
    "nearkin/search/exact_knn.py": search_jobs(*MODELS) | leakage_jobs(),
    "nearkin/figures/theme.py": figure_jobs()
    | report_jobs()
    | {("write_audit", "museum")}
    | contact_sheet_jobs(),
    "nearkin/captions/complete.py": {("complete_captions", "museum")} | report_jobs() | audit_jobs(),
    "nearkin/splits/split.py": split_jobs(),
    "nearkin/synthetic/fish.py": "all",
}
CONFIG = {
    "datasets/museum/captions/templates": (
        ["{species} in a picture."],
        {("complete_captions", "museum")} | report_jobs() | audit_jobs(),
    ),
    "datasets/museum/split/seed": (2, split_jobs()),
    "datasets/museum/split/previous": (PREVIOUS, split_jobs()),
    "recall/ks": ([1, 5], score_jobs(*MODELS) | leakage_jobs()),
    "recall/seed": (2, score_jobs(*MODELS) | leakage_jobs()),
    "leakage_audit/model": ("untrained", leakage_jobs() | report_jobs()),
    "search/n_neighbours": (50, search_jobs(*MODELS)),
    "search/protocols": (["leave_one_out", "train_gallery"], search_jobs(*MODELS)),
    "search/exclude_same_group": (False, search_jobs(*MODELS)),
    "search/query_chunks": (
        2,
        search_jobs(*MODELS) | {("search_neighbours", f"museum {model} 1") for model in MODELS},
    ),
    "comparison/min_queries": (2, ranking_jobs()),
    "models/tuned/finetune/epochs": (3, training_jobs()),
    "clusters/looks/n_clusters": (9, cluster_jobs()),
    "preprocessing/square_224/decode": ("fast", decoding_jobs() | embedding_jobs(*MODELS) | training_jobs()),
    "preprocessing/square_224/cache": (False, embedding_jobs(*MODELS) | training_jobs()),
    "models/lite0/batch_size": (16, embedding_jobs("lite0")),
    "models/untrained/seed": (2, {("prepare_encoder", "museum untrained")} | embedding_jobs("untrained")),
}
CHECKED_BY_COMMAND = {"nearkin/splits/split.py", "recall/seed"}
"""Changes whose plan is also checked with a separate `snakemake` process."""


def test_a_touch_a_comment_or_an_annotation_reruns_nothing(project):
    for path in [*project.glob("scripts/*.py"), *project.glob("nearkin/**/*.py")]:
        os.utime(path)
    neighbours, splits = project / "nearkin/search/exact_knn.py", project / "nearkin/splits/split.py"
    neighbours.write_text(
        '"""Another docstring."""\n# And a comment.\n' + neighbours.read_text().split('"""', 2)[2]
    )
    splits.write_text(splits.read_text().replace("-> pl.DataFrame:", "-> 'pl.DataFrame':", 1))
    assert runs.plan_jobs(project) == runs.plan_jobs_by_command(project) == set()


@pytest.mark.parametrize("path", CODE)
def test_changed_code_reruns_what_imports_it(project, path):
    with open(project / path, "a") as code:
        code.write("\nCHANGED = True\n")
    jobs = runs.plan_jobs(project, "--forceall") if CODE[path] == "all" else CODE[path]
    if CODE[path] == "all":
        jobs = {job for job in jobs if job[0] != "prepare_encoder"}
    assert runs.plan_jobs(project) == jobs
    if path in CHECKED_BY_COMMAND:
        assert runs.plan_jobs_by_command(project) == jobs


def test_only_figures_are_drawn_again_after_a_change_of_theme(project):
    with open(project / "nearkin/figures/theme.py", "a") as code:
        code.write("\nCHANGED = True\n")
    assert runs.plan_jobs(project, "figures") == figure_jobs()


@pytest.mark.parametrize("key", CONFIG)
def test_a_changed_config_value_reruns_what_depends_on_it(project, key):
    value, jobs = CONFIG[key]
    (project / PREVIOUS).parent.mkdir()
    shutil.copy(project / "results/museum/splits.parquet", project / PREVIOUS)
    *parents, last = key.split("/")
    with runs.edit_config(project) as section:
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = value
    assert runs.plan_jobs(project) == jobs
    if key in CHECKED_BY_COMMAND:
        assert runs.plan_jobs_by_command(project) == jobs


def test_a_new_precision_embeds_again_and_trains_after_new_clusters(project):
    with runs.edit_config(project) as config:
        for name in ("untrained", "lite0"):  # `tuned` has the precision of its base
            config["models"][name]["precision"] = "bf16"
    assert runs.plan_jobs(project) == embedding_jobs(*MODELS)


def test_a_new_model_adds_its_own_jobs_and_comparisons_only(project):
    with runs.edit_config(project) as config:
        config["models"]["histogram"] = HISTOGRAM
    jobs = {("prepare_encoder", "museum histogram")} | embedding_jobs("histogram")
    assert runs.plan_jobs(project) == jobs
    with runs.edit_config(project) as config:
        config["compare"].append(["lite0", "histogram"])
    new_comparison = {(rule, "museum lite0 histogram") for rule in (*COMPARISON_RULES, *CONTACT_SHEET_RULES)}
    assert runs.plan_jobs(project) == jobs | new_comparison | thumbnail_jobs() | csv_jobs()


@pytest.mark.full
def test_an_empty_cache_reruns_nothing_and_a_new_model_decodes(project):
    caches = [project / f"results/museum/pixels/square_224/{shard}.arrow" for shard in SHARDS]
    subprocess.run([sys.executable, "-m", "nearkin.images.empty_cache"], cwd=project, check=True)
    assert [path.stat().st_size for path in caches] == [0, 0]
    assert runs.plan_jobs(project) == set()
    with runs.edit_config(project) as config:
        config["models"]["histogram"] = HISTOGRAM
    assert runs.plan_jobs(project) == {("prepare_encoder", "museum histogram")} | embedding_jobs("histogram")
    targets = [f"results/museum/histogram/embeddings/{shard}.parquet" for shard in SHARDS]
    runs.run_snakemake(project, *targets)
    embeddings_bytes = [(project / target).read_bytes() for target in targets]
    assert [path.stat().st_size for path in caches] == [0, 0]
    runs.run_snakemake(project, *targets, "--forcerun", "cache_pixels", "embed_images")
    assert [(project / target).read_bytes() for target in targets] == embeddings_bytes
    assert all(path.stat().st_size for path in caches)


@pytest.mark.full
def test_a_changed_checkpoint_reruns_its_model_a_touched_one_nothing(project):
    checkpoint = project / "checkpoints/local.safetensors"
    model = {"library": "timm", "name": "resnet10t", "weights": "checkpoints/local.safetensors"}
    with runs.edit_config(project) as config:
        config["preprocessing"]["small_176"] = {"size": 176, "crop_pct": 0.875, "interpolation": "bicubic"}
        config["models"]["local"] = model | {"preprocess": "small_176"}
        config["compare"].append(["lite0", "local"])
    checkpoint.parent.mkdir()
    for seed in (1, 2):
        torch.manual_seed(seed)
        save_file(timm.create_model("resnet10t", pretrained=False).state_dict(), checkpoint)
        if seed == 1:
            runs.run_snakemake(project)
            os.utime(checkpoint)
            assert runs.plan_jobs(project) == set()
    model_jobs = {("prepare_encoder", "museum local")}
    model_jobs |= {(rule, "museum lite0 local") for rule in (*COMPARISON_RULES, *CONTACT_SHEET_RULES)}
    assert runs.plan_jobs(project) == model_jobs | embedding_jobs("local")


def make_delivered_project(finished_study, project, **source):
    """A new project whose delivered folder has the images of the synthetic dataset."""
    runs.copy_project(project)
    shutil.copytree(finished_study / "results/museum/delivery", project / "delivery")
    source |= {"layout": "vlm4bio", "folder": "delivery"}
    with runs.edit_config(project) as config:
        config["datasets"] = {"grown": {"source": source, "groups": config["datasets"]["museum"]["groups"]}}
        config["models"] = {"lite0": config["models"]["lite0"]}
        config["compare"] = []
    return project


@pytest.mark.full
@pytest.mark.parametrize("track_changes", [True, False])
def test_an_added_image_is_detected_if_changes_are_tracked(finished_study, tmp_path, track_changes):
    project, target = (
        make_delivered_project(finished_study, tmp_path / "new", track_changes=track_changes),
        "results/grown/images.parquet",
    )
    runs.run_snakemake(project, target)
    image = next((project / "delivery").rglob("*.jpg"))
    shutil.copy(image, image.with_name("added.jpg"))
    assert runs.plan_jobs(project, target) == ({("list_images", "grown")} if track_changes else set())
    runs.run_snakemake(project, target, "--forcerun", "list_images")
    assert any("added.jpg" in path for path in pl.read_parquet(project / target)["path"].drop_nulls())


@pytest.mark.full
def test_ten_added_images_are_inspected_and_embedded_alone(finished_study, tmp_path):
    project = make_delivered_project(finished_study, tmp_path / "growing")
    targets = [f"results/grown/lite0/embeddings/{shard}.parquet" for shard in SHARDS]
    runs.run_snakemake(project, *targets)
    labels = pl.read_parquet(finished_study / "results/museum/labels.parquet")
    for number, path in enumerate(labels.filter(pl.col("path").str.ends_with(".jpg"))["path"].head(10)):
        image = project / "delivery" / path
        shutil.copy(image, image.with_name(f"added_{number}.jpg"))
    runs.run_snakemake(project, *targets)
    for rule, word in [("inspect_images/grown", "inspected"), ("embed_images/grown/lite0", "embedded")]:
        logs = [(project / "logs" / rule / f"{shard}.log").read_text() for shard in SHARDS]
        counts = [int(log.split(f"{word} ")[1].split(",")[0].split()[0]) for log in logs]
        assert sum(counts) == 10, logs
    shards = [project / target for target in targets]
    shard_bytes = [path.read_bytes() for path in shards]
    for path in Path(project, "results").iterdir():
        shutil.rmtree(path)
    runs.run_snakemake(project, *targets)
    assert [path.read_bytes() for path in shards] == shard_bytes
