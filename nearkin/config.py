"""A study's config: checked against its schema, completed with defaults, cross-checked."""

import copy
import difflib

from jsonschema import Draft202012Validator


class ConfigError(ValueError):
    """A config that cannot be run; the message names every key at fault."""


def settle(config, schema):
    """The config with all defaults filled in and every `like:` resolved.

    Raises ConfigError naming the key, its value and what is allowed.
    """
    errors = sorted(
        Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path))
    )
    if errors:
        raise ConfigError("\n".join(line for error in errors for line in _explain(error)))
    config = copy.deepcopy(config)
    config["datasets"] = {name: _resolved(config["datasets"], name, []) for name in config["datasets"]}
    config = _with_defaults(config, schema, schema["$defs"])
    for name, dataset in config["datasets"].items():
        _check_dataset(name, dataset)
    for name in config["models"]:
        _check_model(name, config)
    for base, trained in config["compare"]:
        for name in (base, trained):
            _known(name, config["models"], "compare", "model")
    return config


def base_of(models, name):
    """The model whose encoder `name` was fine-tuned from, directly or not; itself if it was not."""
    while "finetune" in models[name]:
        name = models[name]["finetune"]["base"]
    return name


def _explain(error):
    where = ".".join(map(str, error.absolute_path)) or "(top level)"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = [key for key in error.instance if key not in known]
        for key in unknown:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            yield f"config key {where}.{key}: unknown key; {hint}allowed: {', '.join(sorted(known))}"
    elif error.validator == "enum":
        allowed = ", ".join(map(repr, error.validator_value))
        yield f"config key {where}: {error.instance!r} is not one of {allowed}"
    elif error.validator == "type":
        yield f"config key {where}: {error.instance!r} is not of type {error.validator_value}"
    else:
        about = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
        yield f"config key {where}: {error.message}" + (f" ({about})" if about else "")


def _resolved(datasets, name, seen):
    """A dataset with the values of the one it is `like`; its source keeps that one's name."""
    dataset = copy.deepcopy(datasets[name])
    if name in seen:
        raise ConfigError(
            f"config key datasets.{name}.like: goes round in circles: {' -> '.join([*seen, name])}"
        )
    like = dataset.pop("like", None)
    if like is None:
        dataset.setdefault("source", {}).setdefault("id", name)
        return dataset
    _known(like, datasets, f"datasets.{name}.like", "dataset")
    return _merged(_resolved(datasets, like, [*seen, name]), dataset)


def _merged(below, above):
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _with_defaults(value, schema, definitions):
    """`value` completed by the defaults of `schema`, all the way down."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if not isinstance(value, dict):
        return value
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    result = {key: copy.deepcopy(inner["default"]) for key, inner in properties.items() if "default" in inner}
    result |= value
    if properties:  # in the schema's order, so that a reordered config changes no parameter
        result = {key: result[key] for key in properties if key in result}
    for key in result:
        inner = properties.get(key, others)
        if isinstance(inner, dict):
            result[key] = _with_defaults(result[key], inner, definitions)
    return result


def _check_dataset(name, dataset):
    source = dataset["source"]
    if source["layout"] != "museum" and not source.get("folder"):
        raise ConfigError(f"config key datasets.{name}.source.folder: needed for layout {source['layout']!r}")
    split = dataset["split"]
    total = split["train"] + split["val"] + split["test"]
    if abs(total - 1) > 1e-9:
        raise ConfigError(f"config key datasets.{name}.split: train, val and test add up to {total:g}, not 1")


def _check_model(name, config):
    model, key = config["models"][name], f"models.{name}"
    if ("finetune" in model) == ("library" in model):
        raise ConfigError(
            f"config key {key}: give either library (an encoder as it is) or finetune (one to train)"
        )
    if "library" in model:
        if model["library"] not in ("histogram", "table") and "weights" not in model:
            raise ConfigError(
                f"config key {key}.weights: missing; write `pretrained`, a tag or a checkpoint's path, "
                "or `random` if you really mean an untrained encoder"
            )
        if model["library"] != "histogram" and "name" not in model and "path" not in model:
            raise ConfigError(f"config key {key}.name: missing; it names the architecture")
        if model["library"] != "table":
            _known(model.get("preprocess"), config["preprocessing"], f"{key}.preprocess", "preprocessing")
        return
    seen = [name]
    while "finetune" in config["models"][seen[-1]]:
        base = config["models"][seen[-1]]["finetune"]["base"]
        _known(base, config["models"], f"models.{seen[-1]}.finetune.base", "model")
        if base in seen:
            raise ConfigError(
                f"config key {key}.finetune.base: goes round in circles: {' -> '.join([*seen, base])}"
            )
        seen.append(base)
    if config["models"][seen[-1]]["library"] in ("table", "histogram"):
        raise ConfigError(
            f"config key {key}.finetune.base: {seen[-1]!r} has no weights that could be trained"
        )


def _known(name, names, key, kind):
    if name not in names:
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"config key {key}: no {kind} {name!r}; {hint}there is {', '.join(names) or 'none'}"
        )
