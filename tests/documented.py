"""The YAML code blocks of the documentation, and complete configs that contain them."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "config/README.md", "benchmarks/README.md"]
PAGES += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))
BLOCK = re.compile(r"^```ya?ml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PARENT_KEYS = {0: "", 2: "datasets:\n", 6: "datasets:\n  vlm4bio:\n    source:\n      layout: vlm4bio\n"}
"""The parent keys of a block, by its indentation in spaces."""


def read_examples():
    """Each block as a dict of config keys, by its page and its number on that page."""
    blocks = {}
    for page in PAGES:
        for number, block in enumerate(BLOCK.findall((ROOT / page).read_text(encoding="utf-8")), 1):
            indent = len(block) - len(block.lstrip(" "))
            blocks[f"{page} {number}"] = yaml.safe_load(PARENT_KEYS[indent] + block)
    return blocks


def complete_config(example):
    """A complete config with a block, and with the datasets and models that the block names.

    If a name has several definitions, the first counts; those in `config/` come before the documentation.
    A block without a dataset gets `moths`, and a block without a model gets `histogram`.
    """
    configs = [
        yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("config.yaml", "vlm4bio.yaml")
    ]
    definitions = {key: {} for key in ("datasets", "models", "preprocessing")}
    for config in (*configs, *read_examples().values()):
        for key, by_name in definitions.items():
            by_name |= {name: value for name, value in config.get(key, {}).items() if name not in by_name}
    datasets = example.get("datasets", {"moths": {}})
    cluster_models = {clusters["model"]: {} for clusters in example.get("clusters", {}).values()}
    models = cluster_models | example.get("models", {}) or {"histogram": {}}
    return example | {
        "datasets": _add_definitions(datasets, definitions["datasets"]),
        "models": _add_definitions(models, definitions["models"]),
        "preprocessing": definitions["preprocessing"] | example.get("preprocessing", {}),
    }


def _add_definitions(own, definitions):
    """The datasets or models of a block with their definitions, and those that they extend or start from."""
    entries, queue = {}, list(own)
    while queue:
        name = queue.pop()
        if name not in entries:
            entries[name] = definitions.get(name, {}) | own.get(name, {})
            parents = entries[name].get("extends"), entries[name].get("finetune", {}).get("base")
            queue += [parent for parent in parents if parent]
    return entries
