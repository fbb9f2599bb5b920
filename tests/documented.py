"""The YAML examples of the documentation, and whole configs made of them."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "config/README.md", "benchmarks/README.md"]
PAGES += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))
BLOCK = re.compile(r"^```ya?ml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
AROUND = {0: "", 2: "datasets:\n", 6: "datasets:\n  vlm4bio:\n    source:\n      layout: vlm4bio\n"}
"""What stands above an example, by how far it is indented."""


def examples():
    """Every example by its page and its number there, as a dict of the keys of a config."""
    found = {}
    for page in PAGES:
        for number, block in enumerate(BLOCK.findall((ROOT / page).read_text(encoding="utf-8")), 1):
            indented = len(block) - len(block.lstrip(" "))
            found[f"{page} {number}"] = yaml.safe_load(AROUND[indented] + block)
    return found


def study(example):
    """A whole config of an example, completed with the datasets and models that it names.

    Where the documents define a name several times, the first counts. An example without a dataset gets
    the `moths`, one without a model a histogram. Names of the shipped configs are as these define them.
    """
    shipped = [
        yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("config.yaml", "vlm4bio.yaml")
    ]
    known = {key: {} for key in ("datasets", "models", "preprocessing")}
    for one in (*shipped, *examples().values()):
        for key, message in known.items():
            message |= {name: value for name, value in one.get(key, {}).items() if name not in message}
    datasets = example.get("datasets", {"moths": {}})
    clustered = {one["model"]: {} for one in example.get("clusters", {}).values()}
    models = clustered | example.get("models", {}) or {"histogram": {}}
    return example | {
        "datasets": _with_named(datasets, known["datasets"]),
        "models": _with_named(models, known["models"]),
        "preprocessing": known["preprocessing"] | example.get("preprocessing", {}),
    }


def _with_named(own, known):
    """The datasets or models of an example, completed, and those that they extend or start from."""
    found, waiting = {}, list(own)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = known.get(name, {}) | own.get(name, {})
            named = found[name].get("extends"), found[name].get("finetune", {}).get("base")
            waiting += [other for other in named if other]
    return found
