"""What the time of each rule grows with, and how much of it a dataset has."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nearkin.driver.config import root_model
from nearkin.driver.config_types import Config, ModelConfig, SplitConfig
from nearkin.runtime.resource_usage import SHARDED
from nearkin.vocabulary import PROTOCOL_SPLITS

UNITS = {
    "generate_synthetic": "images",
    "inspect_images": "images",
    "cache_pixels": "images",
    "prepare_encoder": "models",
    "prepare_text_encoder": "models",
    "finetune_encoder": "images x epochs",
    "embed_images": "images",
    "search_neighbours": "pairs",
}
"""By rule: what its time grows with; for all other rules it is the images of the dataset."""

NETWORK_RULES = (
    "prepare_encoder",
    "prepare_text_encoder",
    "finetune_encoder",
    "embed_images",
    "embed_captions",
)
"""Rules whose time is that of a network: another model's says nothing."""

NEIGHBOUR_BYTES = 12
"""Of a row of neighbours.parquet: the similarity is hardly compressed, names are encoded as numbers."""


class Network(NamedTuple):
    """The numbers in a vector, and the parameters; both 0 where nothing is known of a model's network."""

    width: int = 0
    n_parameters: int = 0


class Size(NamedTuple):
    """How many images a dataset has, and how many of them are in each split."""

    n_images: float
    splits: Mapping[str, float]


def count_by_split(n_images: float, split: SplitConfig) -> dict[str, float]:
    """About how many images will be in each split.

    >>> count_by_split(1000, {"train": 0.5, "val": 0.1, "test": 0.4, "held_out_species": 0.2, "folds": None})
    {'train': 400.0, 'val': 80.0, 'test': 320.0, 'unseen_species': 200.0}
    """
    seen = n_images * (1 - split["held_out_species"])
    test = 1 / split["folds"] if split["folds"] else split["test"]
    rest = (1 - test) / (split["train"] + split["val"] or 1)
    shares = {"train": split["train"] * rest, "val": split["val"] * rest, "test": test}
    return {name: seen * share for name, share in shares.items()} | {
        "unseen_species": n_images * split["held_out_species"]
    }


def count_search(
    splits: Mapping[str, float], protocols: Iterable[str], depth: int
) -> tuple[float, float, float]:
    """`(queries, pairs of images compared, rows of neighbours)` of the protocols.

    >>> splits = {"train": 400, "val": 80, "test": 20, "unseen_species": 5}
    >>> count_search(splits, ["train_gallery", "unseen_species"], depth=10)
    (25, 8025, 225)
    """
    sides = [PROTOCOL_SPLITS[name] for name in protocols]
    pairs = [(splits.get(queries, 0), splits.get(gallery, 0)) for queries, gallery in sides]
    n_queries, n_pairs = sum(n for n, _ in pairs), sum(n * m for n, m in pairs)
    return n_queries, n_pairs, sum(n * min(m, depth) for n, m in pairs)


def count_units(rule: str, model: str, size: Size, config: Config) -> float:
    """How much work all jobs of a rule for one model do, in its unit; `model` is that of the jobs, if any."""
    if rule == "search_neighbours":
        return count_search(size.splits, config["search"]["protocols"], depth=1)[1]
    finetune = config["models"][model].get("finetune") if rule == "finetune_encoder" else None
    if finetune:
        return size.splits["train"] * finetune["train_fraction"] * finetune["epochs"]
    return 1 if UNITS.get(rule) == "models" else size.n_images


def count_parts(rule: str, config: Config) -> int:
    """How many jobs share that work when all is done from the beginning."""
    if rule == "search_neighbours":
        return config["search"]["query_chunks"]
    return config["shards"] if rule in SHARDED else 1


def count_bytes(rule: str, model: str, size: Size, config: Config, network: Network) -> float:
    """What all jobs of a rule for one model write to disk; 0 where it is little or not known."""
    if rule == "cache_pixels":
        return size.n_images * 3 * config["preprocessing"][model]["size"] ** 2
    if rule in ("prepare_encoder", "finetune_encoder"):
        return 4 * network.n_parameters
    if rule == "embed_images":
        return 4 * network.width * size.n_images
    if rule == "search_neighbours":  # in chunks, and joined
        search = config["search"]
        return 2 * NEIGHBOUR_BYTES * count_search(size.splits, search["protocols"], search["n_neighbours"])[2]
    return 0


def find_alike(rule: str, model: str, models: Mapping[str, ModelConfig]) -> list[str]:
    """The models whose jobs of a rule take as long as those of `model`, which is one of them.

    They have one network; for a training, they also train the same part of it on the same kind of images.

    >>> tuned = {"base": "a", "trainable": "head", "augment": "flip"}
    >>> models = {"a": {}, "b": {"finetune": tuned}, "c": {"finetune": tuned | {"trainable": "all"}}}
    >>> find_alike("embed_images", "b", models), find_alike("finetune_encoder", "b", models)
    (['a', 'b', 'c'], ['b'])
    """

    def describe(name: str) -> tuple[str, ...]:
        finetune = models[name].get("finetune")
        if rule != "finetune_encoder" or finetune is None:
            return (root_model(models, name),)
        return root_model(models, name), finetune["trainable"], finetune["augment"]

    if model not in models:  # a preprocessing, a clustering, two models, or nothing
        return [model]
    return [name for name in models if describe(name) == describe(model)]
