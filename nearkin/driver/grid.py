"""A fine-tuning with a `grid` in the config stands for one of each combination of its values."""

from decimal import Decimal
from itertools import product


def expand_grid(config):
    """The config with a model for each combination that a grid asks for, in its place.

    Such a model is called by the values that set it apart, the seed last, and has a `seed_group`: its
    name without the seed. In `compare` a grid stands for the first seed of each group.
    Raises ValueError if two models get one name, or a model has a grid and a seed_group.

    >>> models = {"a": {}, "b": {"finetune": {"base": "a", "grid": {"seed": [1, 2], "m2": [0.3]}}}}
    >>> found = expand_grid({"models": models, "compare": [["a", "b"]]})
    >>> found["models"]["b.m2_0.3.seed_2"]
    {'finetune': {'base': 'a', 'm2': 0.3, 'seed': 2, 'seed_group': 'b.m2_0.3'}}
    >>> found["compare"]
    [['a', 'b.m2_0.3.seed_1']]
    """
    models, stands_for = {}, {}
    for name, model in config["models"].items():
        if {"grid", "seed_group"} <= set(model.get("finetune", {})):
            raise ValueError(
                f"models.{name}.finetune.seed_group: a grid names its seed groups itself; leave it out"
            )
        made = _combinations(name, model) if "grid" in model.get("finetune", {}) else {name: model}
        for one in made:
            if one in models or (one != name and one in config["models"]):
                raise ValueError(f"models.{name}.finetune.grid: {one!r} is already a model; rename either")
        models |= made
        stands_for[name] = [names[0] for names in seed_groups(made).values()]
    pairs = [product(*(stands_for.get(one, [one]) for one in pair)) for pair in config.get("compare", [])]
    return config | {"models": models, "compare": [list(pair) for some in pairs for pair in some]}


def seed_groups(models):
    """Which models differ only in their seed: their names by seed group. A model without one is its own.

    >>> seed_groups({"a": {"library": "timm"}, "b": {"finetune": {"seed_group": "v"}}})
    {'a': ['a'], 'v': ['b']}
    """
    found = {}
    for name, model in models.items():
        found.setdefault(model.get("finetune", {}).get("seed_group") or name, []).append(name)
    return found


def _combinations(name, model):
    shared = {key: value for key, value in model["finetune"].items() if key != "grid"}
    grid = model["finetune"]["grid"]
    keys = sorted(grid, key=lambda key: key == "seed")
    made = {}
    for values in product(*(grid[key] for key in keys)):
        parts = [name, *(f"{key}_{_format_value(value)}" for key, value in zip(keys, values, strict=True))]
        seed_group = ".".join(parts[:-1] if "seed" in grid else parts)
        finetune = shared | dict(zip(keys, values, strict=True)) | {"seed_group": seed_group}
        made[".".join(parts)] = model | {"finetune": finetune}
    return made


def _format_value(value):
    """A value as part of a name.

    >>> _format_value(1e-5), _format_value(None), _format_value("exact")
    ('0.00001', 'none', 'exact')
    """
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return "none" if value is None else str(value)
