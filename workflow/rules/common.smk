"""Config, constraints and input functions of all stages; no rules."""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.io import ancient, is_flagged

# Not workflow.basedir, which in a module is the folder of the workflow that uses it.
ROOT = str(Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1])
sys.path.insert(0, ROOT)
# For the scripts: this project's modules and nobody else's, and names of files in UTF-8 whatever the locale.
os.environ.update(PYTHONPATH=ROOT, PYTHONUTF8="1")

if " " in sys.executable:  # Snakemake puts it into commands without quotes; found by name it needs none
    os.environ.update(PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]))
    sys.executable = "python"

from nearkin.driver import code_digest, curation_warnings, pending_results, progress, provenance
from nearkin.driver.config import ConfigError, root_model, check_repeated_keys, resolve_config
from nearkin.driver.grid import seed_groups
from nearkin.driver.slurm import keep_polling
from nearkin.finetune.recipe import recipe_settings
from nearkin.sources.folder_digest import digest_folder
from nearkin.sources.safe_paths import UnreadableError

if slurm := sys.modules.get("snakemake_executor_plugin_slurm"):  # Snakemake has it, if it is installed
    keep_polling(slurm.Executor)

try:
    for file in workflow.configfiles:
        check_repeated_keys(file)
    schema_path = Path(ROOT, "workflow", "schemas", "config.schema.yaml")
    config = resolve_config(config, yaml.safe_load(schema_path.read_text(encoding="utf-8")))
except ConfigError as error:
    raise WorkflowError(str(error)) from None

MODELS = config["models"]
PRETRAINED_MODELS = [name for name in MODELS if MODELS[name].get("library") not in (None, "external")]
FINETUNED_MODELS = [name for name in MODELS if "finetune" in MODELS[name]]
# Of models that differ only in their seed, the first stands for all where one is shown.
SEED_GROUPS = seed_groups(MODELS)
HAS_SEED_GROUPS = any(model.get("finetune", {}).get("seed_group") for model in MODELS.values())
FIRST_SEEDS = [names[0] for names in SEED_GROUPS.values()]
REPORTED_MODELS = [name for name in MODELS if name in {*FIRST_SEEDS}.union(*config["compare"])]
EXTERNAL_MODELS = [name for name in MODELS if MODELS[name].get("library") == "external"]
# Models whose text tower reads captions, for clusters that are made with them.
TEXT_MODELS = {how["model"] for how in config["clusters"].values() if how["use_captions"]}
SHARDS = range(config["shards"])
DIGESTS = code_digest.FileDigests(".snakemake/nearkin/digests.json")
# The dataset that has the record of a folder's download: the first of those that share it.
DOWNLOADS = {
    dataset["source"]["folder"]: name
    for name, dataset in reversed(config["datasets"].items())
    if dataset["source"]["download"]
}
# An encoder's job on a GPU is one task that Snakemake must not start twice (see profiles/slurm).
GPU = {"gpu": config["gpus"], "tasks": 0} if config["gpus"] else {}


def any_of_regex(names):
    """A wildcard constraint for exactly these names; one that nothing matches if there is none."""
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


def job_group(group):
    """A group of short jobs that go to a cluster as one; a dry run shows them one by one."""
    return lambda wildcards: None if workflow.dryrun else group


def scaled_by_input(base, per_mb=None):
    """A resource of a job: `base`, and so much more for each MB of the inputs named; doubled by each retry.

    Inputs that another job of the same group makes are not there yet, and count for nothing. A
    list of shards counts as they do.
    """

    def n_bytes(path):
        if os.path.basename(path) == "shards.json":
            return sum(shard["bytes"] for shard in json.loads(Path(path).read_text())["shards"])
        return os.path.getsize(path)

    def size(paths):
        paths = [paths] if isinstance(paths, str) else paths
        return sum(n_bytes(path) for path in paths if os.path.isfile(path)) / 1e6

    def amount(wildcards, input, attempt):
        more = sum(each * size(input.get(name)) for name, each in (per_mb or {}).items())
        return 2 ** (attempt - 1) * round(base + more)

    return amount


wildcard_constraints:
    dataset=any_of_regex(config["datasets"]),
    model=any_of_regex(MODELS),
    base=any_of_regex(MODELS),
    trained=any_of_regex(MODELS),
    preprocess=any_of_regex(config["preprocessing"]),
    shard=r"\d+",
    chunk=r"\d+",
    clustering=any_of_regex(config["clusters"]),


def digest_of(script, function=None):
    """What a script computes, as a parameter: a change of it, or of what it imports, reruns the step.

    Of a script's functions only one counts, if it is named.
    """
    return code_digest.code_digest(ROOT, f"scripts/{script}", function)


def draw_with(function):
    """Parameters of a figure's rule: the function of scripts/plot_figure.py that draws it, and its code."""
    return {"draw": function, "code": digest_of("plot_figure.py", function)}


def figure_files(path, figure, model="all"):
    """The output of a figure's rule: an SVG, with its labels in the report, and a PNG."""
    path = f"results/{{dataset}}/figures/{path}"
    name = os.path.basename(path)
    labels = {"figure": figure, "model": model}
    svg = report(f"{path}.svg", caption=f"../report/{name}.rst", category="{dataset}", labels=labels)
    return {f"{name}_svg": svg, f"{name}_png": f"{path}.png"}


def report_captions(wildcards):
    """The captions of the report's figures, as paths that a moved checkout does not change."""
    return [ancient(os.path.relpath(path)) for path in sorted(Path(ROOT, "workflow", "report").glob("*.rst"))]


def templates_of(page):
    """The digests of the files of a page's package and of what all pages share, as a parameter."""
    folders = [Path(ROOT, "nearkin", folder) for folder in ("html", page)]
    files = [path for folder in folders for path in sorted(folder.glob("*.*")) if path.suffix != ".py"]
    return {path.name: DIGESTS.digest(path) for path in files}


def outside(*inputs):
    """The files that no rule makes, among those of input functions, with digests of their content.

    As a parameter, a digest reruns a step whatever the date of its file; as inputs such files are
    `ancient`. Scripts hold their files against it (see nearkin/storage/lineage.py).
    """

    def digests(wildcards):
        values = [function(wildcards) for function in inputs]
        paths = [path for value in values for path in ([value] if isinstance(value, str) else value)]
        return {str(path): DIGESTS.digest(path) for path in paths if is_flagged(path, "ancient")}

    return digests


def source_folder(wildcards):
    """Where the images of a dataset are: as configured, or the synthetic ones."""
    source = config["datasets"][wildcards.dataset]["source"]
    if source["layout"] == "synthetic":
        return f"results/{wildcards.dataset}/delivery"
    return source["folder"]


@cache
def delivered_files(folder, trusted, record=None, content=None):
    """A digest of a delivered folder, so that new or lost files and edited texts are noticed.

    `trusted` are folders that its links may lead to. `record` is that of its download; when
    its `content` changes, the folder is read again.
    """
    if not os.path.isdir(folder):
        fix = "correct datasets.*.source.folder in the config, or put the images there"
        again = f"it was downloaded once; remove {record} to do so again"
        raise WorkflowError(f"no folder {folder!r}: {again if record else fix}")
    try:
        return digest_folder(folder, trusted)
    except (UnreadableError, ValueError) as error:
        raise WorkflowError(str(error)) from None


def delivery(wildcards):
    """The synthetic dataset as input; a delivered folder is watched through its digest."""
    source = config["datasets"][wildcards.dataset]["source"]
    return source_folder(wildcards) if source["layout"] == "synthetic" else []


def downloaded(wildcards):
    """The record of a dataset's download, if its config asks for one; datasets of one folder share it."""
    source = config["datasets"][wildcards.dataset]["source"]
    return f"results/{DOWNLOADS[source['folder']]}/download.json" if source["download"] else []


def delivered_tables(wildcards):
    """The table that lists the images, unless it lies in the folder and its digest or the download watches it."""
    source = config["datasets"][wildcards.dataset]["source"]
    if source["layout"] != "table":
        return []
    inside = Path(source["table"]).resolve().is_relative_to(Path(source["folder"]).resolve())
    return [] if inside and (source["track_changes"] or source["download"]) else ancient(source["table"])


def table_settings(wildcards):
    """How the table of a dataset with the layout `table` is read."""
    source = config["datasets"][wildcards.dataset]["source"]
    if source["layout"] != "table":
        return None
    return {"path": source["table"], "preset": source.get("preset"), "overrides": source["columns"]}


def folder_digest_param(wildcards):
    """The digest of a delivered folder; None for the synthetic dataset, which is an input.

    Nothing either for a folder that is not to be watched, is to be downloaded or is as the
    download left it, so that the same is known before and after.
    """
    source = config["datasets"][wildcards.dataset]["source"]
    if source["layout"] == "synthetic" or not source["track_changes"]:
        return None
    record = downloaded(wildcards)
    if not record:
        return delivered_files(source["folder"], tuple(source["follow_links"]))
    if not os.path.exists(record):
        return None
    content = Path(record).read_text(encoding="utf-8")
    digest = delivered_files(source["folder"], tuple(source["follow_links"]), record, content)
    return None if digest == json.loads(content)["digest"] else digest


def taxonomy_of(wildcards):
    """The table of accepted names that a dataset's config names, if it does."""
    path = config["datasets"][wildcards.dataset]["labels"]["taxonomy"]
    return ancient(path) if path else []


def caption_tables(wildcards):
    """The further tables of captions that a dataset's config names, in order."""
    return [ancient(table["path"]) for table in config["datasets"][wildcards.dataset]["captions"]["tables"]]


def previous_splits(wildcards):
    """The earlier split that a dataset's config names, if it does: a file, or what another dataset makes."""
    path = config["datasets"][wildcards.dataset]["split"]["previous"]
    if not path or path in [f"results/{name}/splits.parquet" for name in config["datasets"]]:
        return path or []
    if not os.path.exists(path):
        raise WorkflowError(
            f"no file {path!r}: correct datasets.{wildcards.dataset}.split.previous in the config"
        )
    return ancient(path)


def split_settings(wildcards):
    """How groups are assigned to splits; what else the split needs are inputs."""
    split = config["datasets"][wildcards.dataset]["split"]
    return {key: value for key, value in split.items() if key not in ("previous", "use_source_split")}


def preprocessing_name_of(wildcards):
    """The name of a preprocessing: itself a wildcard, or that of a model."""
    if "preprocess" in wildcards.keys():
        return wildcards.preprocess
    return MODELS[root_model(MODELS, wildcards.model)]["preprocess"]


def encoder_of(wildcards):
    """What of a model's config makes its encoder; not how it is used later."""
    later = ("batch_size", "precision", "preprocess")
    return {key: value for key, value in MODELS[wildcards.model].items() if key not in later}


def geometry_of(wildcards):
    """What of a preprocessing is the encoder's own."""
    own = config["preprocessing"][preprocessing_name_of(wildcards)]
    return {key: own[key] for key in ("size", "crop_pct", "interpolation")}


def preprocessing_of(wildcards):
    """How image files become pixels."""
    return {
        "folder": source_folder(wildcards),
        "trusted": config["datasets"][wildcards.dataset]["source"]["follow_links"],
        "geometry": geometry_of(wildcards),
        "decode": config["preprocessing"][preprocessing_name_of(wildcards)]["decode"],
        "max_megapixels": config["datasets"][wildcards.dataset]["inspection"]["max_megapixels"],
    }


def base_encoder(file):
    """An input function: a file of the encoder that a model is fine-tuned from."""

    def path(wildcards):
        base = MODELS[wildcards.model]["finetune"]["base"]
        return f"results/{wildcards.dataset}/{base}/encoder/{file}"

    return path


def embeddings_for_groups(wildcards):
    """The embeddings that find a dataset's near duplicates, if its config names a model for it."""
    near = config["datasets"][wildcards.dataset]["groups"]["near_duplicates"]
    model = near["model"] if near else None
    return f"results/{wildcards.dataset}/{model}/embeddings/shards.json" if model else []


def shards_for_clusters(wildcards):
    """The embeddings that a clustering is made from."""
    model = config["clusters"][wildcards.clustering]["model"]
    return f"results/{wildcards.dataset}/{model}/embeddings/shards.json"


def captions_for_clusters(wildcards):
    """The captions' vectors, where a clustering is made with them."""
    how = config["clusters"][wildcards.clustering]
    return (
        f"results/{wildcards.dataset}/{how['model']}/caption_embeddings.parquet"
        if how["use_captions"]
        else []
    )


def clusters_of(wildcards):
    """The clusters that a model is trained on, if it is."""
    labels = MODELS[wildcards.model]["finetune"]["labels"]
    return f"results/{wildcards.dataset}/clusters/{labels}.parquet" if labels in config["clusters"] else []


def pixels_of(wildcards):
    """The decoded pixels that a model sees: one shard, or all without a wildcard for it; none if not kept."""
    shards = [wildcards.shard] if "shard" in wildcards.keys() else SHARDS
    preprocess = preprocessing_name_of(wildcards)
    if not config["preprocessing"][preprocess]["cache"]:
        return []
    return [f"results/{wildcards.dataset}/pixels/{preprocess}/{shard}.arrow" for shard in shards]


def checkpoint_of(wildcards):
    """A local checkpoint file that a model's config names, if it does."""
    weights = MODELS[wildcards.model].get("weights", "")
    return ancient(weights) if os.sep in weights and not weights.startswith("hf-hub:") else []


def vectors_of(wildcards):
    """The table of a model whose embeddings were made elsewhere."""
    return ancient(MODELS[wildcards.model]["path"])


def recipe_of(wildcards):
    """How an encoder is fine-tuned."""
    return recipe_settings(MODELS[wildcards.model]["finetune"])


def method_of(wildcards):
    """What the report's methods section says in words, from the config."""
    dataset = config["datasets"][wildcards.dataset]
    tuned = {name: MODELS[name]["finetune"] for name in FINETUNED_MODELS if name in REPORTED_MODELS}
    shared = {key: config[key] for key in ("search", "recall", "comparison", "preprocessing")}
    shared["precision"] = next((model["precision"] for model in MODELS.values() if model["precision"]), None)
    taught = {recipe["labels"] for recipe in tuned.values()}
    clusters = {name: how for name, how in config["clusters"].items() if name in taught}
    shared |= {"split": dataset["split"], "groups": dataset["groups"]}
    return shared | {"finetune": tuned, "clusters": clusters}
