"""A fine-tuning with a `matrix` in the config stands for one of each combination of its values."""

from decimal import Decimal
from itertools import product


def expand_grid(config):
    """The config with a model for each combination that a matrix asks for, in its place.

    Such a model is called by the values that set it apart, the seed last, and has a `variant`: its
    name without the seed. In `compare` a matrix stands for the first seed of each variant.
    Raises ValueError if two models get one name, or a model has a matrix and a variant.

    >>> models = {"a": {}, "b": {"finetune": {"base": "a", "matrix": {"seed": [1, 2], "m2": [0.3]}}}}
    >>> found = expand_grid({"models": models, "compare": [["a", "b"]]})
    >>> found["models"]["b.m2_0.3.seed_2"]
    {'finetune': {'base': 'a', 'm2': 0.3, 'seed': 2, 'variant': 'b.m2_0.3'}}
    >>> found["compare"]
    [['a', 'b.m2_0.3.seed_1']]
    """
    models, stands_for = {}, {}
    for name, model in config["models"].items():
        if {"matrix", "variant"} <= set(model.get("finetune", {})):
            raise ValueError(
                f"models.{name}.finetune.variant: a matrix names its variants itself; leave it out"
            )
        made = _combinations(name, model) if "matrix" in model.get("finetune", {}) else {name: model}
        for one in made:
            if one in models or (one != name and one in config["models"]):
                raise ValueError(f"models.{name}.finetune.matrix: {one!r} is already a model; rename either")
        models |= made
        stands_for[name] = [names[0] for names in seed_groups(made).values()]
    pairs = [product(*(stands_for.get(one, [one]) for one in pair)) for pair in config.get("compare", [])]
    return config | {"models": models, "compare": [list(pair) for some in pairs for pair in some]}


def seed_groups(models):
    """Which models differ only in their seed: their names by variant. A model without one is its own.

    >>> seed_groups({"a": {"library": "timm"}, "b": {"finetune": {"variant": "v"}}})
    {'a': ['a'], 'v': ['b']}
    """
    found = {}
    for name, model in models.items():
        found.setdefault(model.get("finetune", {}).get("variant") or name, []).append(name)
    return found


def _combinations(name, model):
    shared = {key: value for key, value in model["finetune"].items() if key != "matrix"}
    matrix = model["finetune"]["matrix"]
    keys = sorted(matrix, key=lambda key: key == "seed")
    made = {}
    for values in product(*(matrix[key] for key in keys)):
        parts = [name, *(f"{key}_{_format_value(value)}" for key, value in zip(keys, values, strict=True))]
        variant = ".".join(parts[:-1] if "seed" in matrix else parts)
        finetune = shared | dict(zip(keys, values, strict=True)) | {"variant": variant}
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
