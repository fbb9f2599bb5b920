"""What a change reruns: the exact set of jobs, from a dry run on the finished study."""

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
DRAWN = [
    "plot_improvement",
    "plot_improvement_by_training_size",
    "plot_paired_recall",
    "plot_most_changed",
]
COMPARED = ["compare_models", "evaluate_claims", "fit_trend", "write_reference_comparison", *DRAWN]
LOOKED_AT = ["select_contact_sheets", "draw_contact_sheets"]
HISTOGRAM = {"library": "histogram", "preprocess": "square_224"}
PREVIOUS = "splits/earlier.parquet"
PAIRS = {"untrained lite0": ["untrained", "lite0"], "lite0 tuned": ["lite0", "tuned"]}


def page():
    return {("write_report", "museum"), ("check_results", "museum")} | costs()


def costs():
    """What the study took is gathered once its pages or checks were made anew."""
    return {("collect_resource_usage", "museum"), ("plot_resource_usage", "museum")}


def csvs():
    return {("export_csv", "museum")}


def audit():
    return {("check_curation", "museum"), ("write_audit", "museum")}


def comparisons(*models):
    """Comparisons in which one of the models takes part, with what is drawn of them."""
    pairs = [pair for pair, both in PAIRS.items() if set(both) & set(models)]
    return {(rule, f"museum {pair}") for rule in COMPARED for pair in pairs} | looks(*pairs) | csvs()


def looks(*pairs):
    """Thumbnails and contact sheets, once those of some pairs are chosen anew."""
    chosen = {("select_contact_sheets", f"museum {pair}") for pair in pairs}
    return chosen | {("draw_thumbnails", f"museum {shard}") for shard in SHARDS} | contact_sheets()


def contact_sheets():
    return {("draw_contact_sheets", f"museum {pair}") for pair in PAIRS}


def scores(*models):
    rules = ["score_queries", "compute_recall_curve", "tabulate_training_size", "write_training_size_text"]
    rules += ["plot_training_size", "plot_training_buckets"]
    own = {(rule, f"museum {model}") for rule in rules for model in models}
    shared = {(rule, "museum") for rule in ("plot_recall", "plot_recall_curve", "plot_reachable")}
    shared |= {(rule, "museum") for rule in ("write_headline", "compare_all_pairs", "plot_all_pairs")}
    shared |= {(rule, "museum") for rule in ("compare_seeds", "plot_seeds")}
    return own | shared | comparisons(*models) | page()


def searches(*models):
    rules = ["join_neighbours", "count_confusions", "plot_confusions", "select_examples"]
    own = {(rule, f"museum {model}") for rule in rules for model in models}
    return {("search_neighbours", f"museum {model} 0") for model in models} | own | scores(*models)


def leaks():
    return {("audit_leakage", "museum"), ("plot_leakage", "museum")} | csvs()


def embeddings(*models):
    """Leaks are measured with the base of the last pair, and clusters to train on made from it."""
    shards = {("embed_images", f"museum {model} {shard}") for model in models for shard in SHARDS}
    lists = {("index_embeddings", f"museum {model}") for model in models}
    return shards | lists | searches(*models) | (leaks() | clusters() if "lite0" in models else set())


def training():
    own = {(rule, "museum tuned") for rule in ("finetune_encoder", "plot_training")}
    return own | embeddings("tuned")


def clusters():
    return {("cluster_images", "museum looks")} | training()


def decoding():
    """What all models see."""
    return {("cache_pixels", f"museum square_224 {shard}") for shard in SHARDS}


def split():
    """Splits do not reach the embeddings of encoders that are taken as they are."""
    return (
        {("split_images", "museum"), ("describe_dataset", "museum")}
        | clusters()
        | searches(*MODELS)
        | leaks()
        | audit()
    )


def figures():
    of_all = ["plot_recall", "plot_recall_curve", "plot_reachable", "plot_all_pairs", "plot_leakage"]
    of_all += ["plot_seeds"]
    of_each = ["plot_training_size", "plot_training_buckets", "plot_confusions"]
    return (
        {(rule, "museum") for rule in of_all}
        | {("plot_training", "museum tuned")}
        | {(rule, f"museum {model}") for rule in of_each for model in MODELS}
        | {(rule, f"museum {pair}") for rule in DRAWN for pair in PAIRS}
    )


def ranked():
    """Who is ranked shows in comparisons and in the analysis by training size."""
    texts = {("write_training_size_text", f"museum {model}") for model in MODELS}
    unranked = {("write_reference_comparison", f"museum {pair}") for pair in PAIRS}
    return (comparisons(*MODELS) - unranked) | texts | page()


CODE = {
    "scripts/embed_images.py": embeddings(*MODELS),
    "scripts/finetune_encoder.py": training(),
    "nearkin/search/exact_knn.py": searches(*MODELS) | leaks(),
    "nearkin/figures/theme.py": figures() | page() | {("write_audit", "museum")} | contact_sheets(),
    "nearkin/captions/complete.py": {("complete_captions", "museum")} | page() | audit(),
    "nearkin/splits/split.py": split(),
    "nearkin/synthetic/fish.py": "all",
}
CONFIG = {
    "datasets/museum/captions/templates": (
        ["{species} in a picture."],
        {("complete_captions", "museum")} | page() | audit(),
    ),
    "datasets/museum/split/seed": (2, split()),
    "datasets/museum/split/previous": (PREVIOUS, split()),
    "recall/ks": ([1, 5], scores(*MODELS) | leaks()),
    "recall/seed": (2, scores(*MODELS) | leaks()),
    "leakage_audit/model": ("untrained", leaks() | page()),
    "search/n_neighbours": (50, searches(*MODELS)),
    "search/protocols": (["leave_one_out", "train_gallery"], searches(*MODELS)),
    "search/exclude_same_group": (False, searches(*MODELS)),
    "search/query_chunks": (
        2,
        searches(*MODELS) | {("search_neighbours", f"museum {model} 1") for model in MODELS},
    ),
    "comparison/min_queries": (2, ranked()),
    "models/tuned/finetune/epochs": (3, training()),
    "clusters/looks/n_clusters": (9, clusters()),
    "preprocessing/square_224/decode": ("fast", decoding() | embeddings(*MODELS) | training()),
    "preprocessing/square_224/cache": (False, embeddings(*MODELS) | training()),
    "models/lite0/batch_size": (16, embeddings("lite0")),
    "models/untrained/seed": (2, {("prepare_encoder", "museum untrained")} | embeddings("untrained")),
}
PROVED = {"nearkin/splits/split.py", "recall/seed"}
"""Changes for which the command itself has to plan the same, too."""


def test_a_touch_a_comment_or_an_annotation_reruns_nothing(project):
    for path in [*project.glob("scripts/*.py"), *project.glob("nearkin/**/*.py")]:
        os.utime(path)
    neighbours, splits = project / "nearkin/search/exact_knn.py", project / "nearkin/splits/split.py"
    neighbours.write_text(
        '"""Another docstring."""\n# And a comment.\n' + neighbours.read_text().split('"""', 2)[2]
    )
    splits.write_text(splits.read_text().replace("-> pl.DataFrame:", "-> 'pl.DataFrame':", 1))
    assert runs.planned(project) == runs.planned_by_command(project) == set()


@pytest.mark.parametrize("path", CODE)
def test_changed_code_reruns_what_imports_it(project, path):
    with open(project / path, "a") as code:
        code.write("\nCHANGED = True\n")
    wanted = runs.planned(project, "--forceall") if CODE[path] == "all" else CODE[path]
    if CODE[path] == "all":
        wanted = {job for job in wanted if job[0] != "prepare_encoder"}
    assert runs.planned(project) == wanted
    if path in PROVED:
        assert runs.planned_by_command(project) == wanted


def test_figures_alone_are_drawn_anew_after_a_change_of_theme(project):
    with open(project / "nearkin/figures/theme.py", "a") as code:
        code.write("\nCHANGED = True\n")
    assert runs.planned(project, "figures") == figures()


@pytest.mark.parametrize("key", CONFIG)
def test_a_changed_config_value_reruns_what_depends_on_it(project, key):
    value, wanted = CONFIG[key]
    (project / PREVIOUS).parent.mkdir()
    shutil.copy(project / "results/museum/splits.parquet", project / PREVIOUS)
    *parents, last = key.split("/")
    with runs.config_of(project) as place:
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    assert runs.planned(project) == wanted
    if key in PROVED:
        assert runs.planned_by_command(project) == wanted


def test_another_precision_embeds_anew_and_trains_only_on_new_clusters(project):
    with runs.config_of(project) as config:
        for name in ("untrained", "lite0"):  # `tuned` takes that of its base
            config["models"][name]["precision"] = "bf16"
    assert runs.planned(project) == embeddings(*MODELS)


def test_a_new_model_adds_its_own_jobs_and_comparisons_only(project):
    with runs.config_of(project) as config:
        config["models"]["histogram"] = HISTOGRAM
    wanted = {("prepare_encoder", "museum histogram")} | embeddings("histogram")
    assert runs.planned(project) == wanted
    with runs.config_of(project) as config:
        config["compare"].append(["lite0", "histogram"])
    compared = {(rule, "museum lite0 histogram") for rule in (*COMPARED, *LOOKED_AT)}
    assert runs.planned(project) == wanted | compared | looks() | csvs()


@pytest.mark.full
def test_emptied_pixels_redo_nothing_and_a_new_model_decodes_for_itself(project):
    stores = [project / f"results/museum/pixels/square_224/{shard}.arrow" for shard in SHARDS]
    subprocess.run([sys.executable, "-m", "nearkin.images.empty_cache"], cwd=project, check=True)
    assert [path.stat().st_size for path in stores] == [0, 0]
    assert runs.planned(project) == set()
    with runs.config_of(project) as config:
        config["models"]["histogram"] = HISTOGRAM
    assert runs.planned(project) == {("prepare_encoder", "museum histogram")} | embeddings("histogram")
    targets = [f"results/museum/histogram/embeddings/{shard}.parquet" for shard in SHARDS]
    runs.snakemake(project, *targets)
    given_back = [(project / target).read_bytes() for target in targets]
    assert [path.stat().st_size for path in stores] == [0, 0]
    runs.snakemake(project, *targets, "--forcerun", "cache_pixels", "embed_images")
    assert [(project / target).read_bytes() for target in targets] == given_back
    assert all(path.stat().st_size for path in stores)


@pytest.mark.full
def test_a_changed_checkpoint_reruns_its_model_a_touched_one_nothing(project):
    checkpoint = project / "checkpoints/local.safetensors"
    model = {"library": "timm", "name": "resnet10t", "weights": "checkpoints/local.safetensors"}
    with runs.config_of(project) as config:
        config["preprocessing"]["small_176"] = {"size": 176, "crop_pct": 0.875, "interpolation": "bicubic"}
        config["models"]["local"] = model | {"preprocess": "small_176"}
        config["compare"].append(["lite0", "local"])
    checkpoint.parent.mkdir()
    for seed in (1, 2):
        torch.manual_seed(seed)
        save_file(timm.create_model("resnet10t", pretrained=False).state_dict(), checkpoint)
        if seed == 1:
            runs.snakemake(project)
            os.utime(checkpoint)
            assert runs.planned(project) == set()
    own = {("prepare_encoder", "museum local")}
    own |= {(rule, "museum lite0 local") for rule in (*COMPARED, *LOOKED_AT)}
    assert runs.planned(project) == own | embeddings("local")


def delivered(finished, project, **source):
    """A new project whose images are those of the synthetic dataset, delivered in a folder."""
    runs.copy_project(project)
    shutil.copytree(finished / "results/museum/delivery", project / "delivery")
    source |= {"layout": "vlm4bio", "folder": "delivery"}
    with runs.config_of(project) as config:
        config["datasets"] = {"grown": {"source": source, "groups": config["datasets"]["museum"]["groups"]}}
        config["models"] = {"lite0": config["models"]["lite0"]}
        config["compare"] = []
    return project


@pytest.mark.full
@pytest.mark.parametrize("watch", [True, False])
def test_an_added_image_is_noticed_if_its_folder_is_watched(finished, tmp_path, watch):
    project, target = (
        delivered(finished, tmp_path / "new", track_changes=watch),
        "results/grown/images.parquet",
    )
    runs.snakemake(project, target)
    added = next((project / "delivery").rglob("*.jpg"))
    shutil.copy(added, added.with_name("added.jpg"))
    assert runs.planned(project, target) == ({("list_images", "grown")} if watch else set())
    runs.snakemake(project, target, "--forcerun", "list_images")
    assert any("added.jpg" in path for path in pl.read_parquet(project / target)["path"].drop_nulls())


@pytest.mark.full
def test_ten_added_images_inspect_and_embed_ten(finished, tmp_path):
    project = delivered(finished, tmp_path / "growing")
    targets = [f"results/grown/lite0/embeddings/{shard}.parquet" for shard in SHARDS]
    runs.snakemake(project, *targets)
    labels = pl.read_parquet(finished / "results/museum/labels.parquet")
    for number, path in enumerate(labels.filter(pl.col("path").str.ends_with(".jpg"))["path"].head(10)):
        image = project / "delivery" / path
        shutil.copy(image, image.with_name(f"added_{number}.jpg"))
    runs.snakemake(project, *targets)
    for rule, word in [("inspect_images/grown", "inspected"), ("embed_images/grown/lite0", "embedded")]:
        logs = [(project / "logs" / rule / f"{shard}.log").read_text() for shard in SHARDS]
        counts = [int(log.split(f"{word} ")[1].split(",")[0].split()[0]) for log in logs]
        assert sum(counts) == 10, logs
    whole = [project / target for target in targets]
    grown = [path.read_bytes() for path in whole]
    for path in Path(project, "results").iterdir():
        shutil.rmtree(path)
    runs.snakemake(project, *targets)
    assert [path.read_bytes() for path in whole] == grown
