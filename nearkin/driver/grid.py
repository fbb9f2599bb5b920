"""A fine-tuning with a `grid` in the config stands for one model per combination of its values."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import product
from typing import Any


def expand_grid(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with a model for each combination of a grid's values, in the place of the grid.

    Such a model is named after its values, the seed last, and has a `seed_group`: its name without
    the seed. In `compare` a grid stands for the first seed of each group.
    Raises ValueError if two models get one name, or a model has a grid and a seed_group.

    >>> models = {"a": {}, "b": {"finetune": {"base": "a", "grid": {"seed": [1, 2], "m2": [0.3]}}}}
    >>> expanded = expand_grid({"models": models, "compare": [["a", "b"]]})
    >>> expanded["models"]["b.m2_0.3.seed_2"]
    {'finetune': {'base': 'a', 'm2': 0.3, 'seed': 2, 'seed_group': 'b.m2_0.3'}}
    >>> expanded["compare"]
    [['a', 'b.m2_0.3.seed_1']]
    """
    models: dict[str, Any] = {}
    first_seeds: dict[str, list[str]] = {}
    for name, model in config["models"].items():
        if {"grid", "seed_group"} <= set(model.get("finetune", {})):
            raise ValueError(
                f"models.{name}.finetune.seed_group: a grid names its seed groups itself; leave it out"
            )
        expanded = _expand_model(name, model) if "grid" in model.get("finetune", {}) else {name: model}
        for new in expanded:
            if new in models or (new != name and new in config["models"]):
                raise ValueError(f"models.{name}.finetune.grid: {new!r} is already a model; rename either")
        models |= expanded
        first_seeds[name] = [names[0] for names in seed_groups(expanded).values()]
    compare = [
        list(expanded_pair)
        for pair in config.get("compare", [])
        for expanded_pair in product(*(first_seeds.get(name, [name]) for name in pair))
    ]
    return {**config, "models": models, "compare": compare}


def seed_groups(models: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The names of models that differ only in their seed, by seed group. A model without a group is its own.

    >>> seed_groups({"a": {"library": "timm"}, "b": {"finetune": {"seed_group": "v"}}})
    {'a': ['a'], 'v': ['b']}
    """
    groups: dict[str, list[str]] = {}
    for name, model in models.items():
        groups.setdefault(model.get("finetune", {}).get("seed_group") or name, []).append(name)
    return groups


def _expand_model(name: str, model: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A model for each combination of the values of a model's grid, by name."""
    shared = {key: value for key, value in model["finetune"].items() if key != "grid"}
    grid = model["finetune"]["grid"]
    keys = sorted(grid, key=lambda key: key == "seed")
    models = {}
    for values in product(*(grid[key] for key in keys)):
        parts = [name, *(f"{key}_{_format_value(value)}" for key, value in zip(keys, values, strict=True))]
        seed_group = ".".join(parts[:-1] if "seed" in grid else parts)
        finetune = shared | dict(zip(keys, values, strict=True)) | {"seed_group": seed_group}
        models[".".join(parts)] = {**model, "finetune": finetune}
    return models


def _format_value(value: object) -> str:
    """A value as part of a name.

    >>> _format_value(1e-5), _format_value(None), _format_value("exact")
    ('0.00001', 'none', 'exact')
    """
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return "none" if value is None else str(value)
