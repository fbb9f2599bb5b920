"""Config, constraints and input functions of all stages; no rules."""

import os
import re
import sys
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

ROOT = workflow.basedir
sys.path.insert(0, ROOT)
os.environ.update(PYTHONPATH=ROOT)  # for the scripts: this project's modules and nobody else's

if " " in sys.executable:  # Snakemake puts it into commands without quotes; found by name it needs none
    os.environ.update(PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]))
    sys.executable = "python"

from nearkin import provenance
from nearkin.config import ConfigError, base_of, settle

try:
    schema_path = Path(ROOT, "workflow", "schemas", "config.schema.yaml")
    config = settle(config, yaml.safe_load(schema_path.read_text(encoding="utf-8")))
except ConfigError as error:
    raise WorkflowError(str(error)) from None

MODELS = config["models"]
PREPARED = [name for name in MODELS if MODELS[name].get("library") not in (None, "table")]
TUNED = [name for name in MODELS if "finetune" in MODELS[name]]
TABLES = [name for name in MODELS if MODELS[name].get("library") == "table"]
SHARDS = range(config["shards"])
# An encoder's job on a GPU is one task that Snakemake must not start twice (see profiles/slurm).
GPU = {"gpu": config["gpus"], "tasks": 0} if config["gpus"] else {}


def one_of(names):
    """A wildcard constraint for exactly these names; one that nothing matches if there is none."""
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    model=one_of(MODELS),
    base=one_of(MODELS),
    trained=one_of(MODELS),
    preprocess=one_of(config["preprocessing"]),
    shard=r"\d+",


def sources_of(script):
    """A script and the modules it imports, as inputs."""
    return provenance.sources(ROOT, f"scripts/{script}")


def relative(path):
    """A file of this project as an input, so that moving the checkout changes nothing."""
    return os.path.relpath(path)


def source_folder(wildcards):
    """Where the images of a dataset lie: as configured, or the drawn museum's."""
    source = config["datasets"][wildcards.dataset]["source"]
    if source["layout"] == "museum":
        return f"results/{wildcards.dataset}/delivery"
    return source["folder"]


@cache
def delivered_files(folder):
    """A digest of a delivered folder, so that new or lost files are noticed."""
    if not os.path.isdir(folder):
        raise WorkflowError(
            f"no folder {folder!r}: mend datasets.*.source.folder in the config, or put the images there"
        )
    return provenance.folder_digest(folder)


def delivery(wildcards):
    """The drawn museum as input; a delivered folder is watched through `delivered_files`."""
    source = config["datasets"][wildcards.dataset]["source"]
    return source_folder(wildcards) if source["layout"] == "museum" else []


def delivered_tables(wildcards):
    """The metadata and captions tables of a delivered folder, by content."""
    source = config["datasets"][wildcards.dataset]["source"]
    if source["layout"] == "museum":
        return []
    folder = Path(source_folder(wildcards))
    return sorted(str(path) for path in [*folder.glob("*.csv"), *folder.glob("datasets/*/metadata/*.csv")])


def listing(wildcards):
    """The digest of a delivered folder; nothing for the museum, which is an input."""
    source = config["datasets"][wildcards.dataset]["source"]
    return None if source["layout"] == "museum" else delivered_files(source["folder"])


def preprocess_of(model):
    return MODELS[base_of(MODELS, model)]["preprocess"]


def encoder_of(wildcards):
    """What of a model's config makes its encoder; not how it is used later."""
    return {
        key: value for key, value in MODELS[wildcards.model].items() if key not in ("batch", "preprocess")
    }


def geometry_of(wildcards):
    return config["preprocessing"][preprocess_of(wildcards.model)]


def base_encoder(file):
    """An input function: a file of the encoder that a model is fine-tuned from."""

    def path(wildcards):
        base = MODELS[wildcards.model]["finetune"]["base"]
        return f"results/{wildcards.dataset}/{base}/encoder/{file}"

    return path


def pixels_of(wildcards):
    """The decoded pixels that a model sees: one shard, or all without a wildcard for it."""
    shards = [wildcards.shard] if "shard" in wildcards.keys() else SHARDS
    preprocess = preprocess_of(wildcards.model)
    return [f"results/{wildcards.dataset}/pixels/{preprocess}/{shard}.arrow" for shard in shards]


def checkpoint_of(wildcards):
    """A local checkpoint file that a model's config names, if it does."""
    weights = MODELS[wildcards.model].get("weights", "")
    return weights if os.sep in weights and not weights.startswith("hf-hub:") else []


def recipe_of(wildcards):
    return {key: value for key, value in MODELS[wildcards.model]["finetune"].items() if key != "base"}


def method_of(wildcards):
    """What the report's methods section says in words, from the config."""
    dataset = config["datasets"][wildcards.dataset]
    tuned = {name: MODELS[name]["finetune"] for name in TUNED}
    shared = {key: config[key] for key in ("search", "recall", "comparison", "preprocessing")}
    return shared | {"split": dataset["split"], "groups": dataset["groups"], "finetune": tuned}
