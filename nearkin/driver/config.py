"""A study's config: checked against its schema, completed with defaults, cross-checked."""

import copy
import difflib
import math
import os
from collections.abc import Iterator
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from nearkin.driver import grid
from nearkin.finetune.recipe import PRESETS
from nearkin.sources import column_mapping
from nearkin.vocabulary import LEVELS

LIBRARIES_WITHOUT_PRECISION = ("external", "histogram")
"""Libraries whose models compute no network; as far as precision goes they compare with any."""


class ConfigError(ValueError):
    """A config that cannot be run; the message names every key at fault."""


def _is_integer(checker: object, value: object) -> bool:
    """Unlike in JSON Schema, 3.0 is none: whoever counts with it would fail later."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: object, value: object) -> bool:
    """Unlike in JSON Schema, nan and inf are none."""
    return _is_integer(checker, value) or (isinstance(value, float) and math.isfinite(value))


Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def resolve_config(config, schema):
    """The config with all defaults filled in and every `extends:` resolved.

    Raises ConfigError naming the key, its value and what is allowed.
    """
    _check_names("", config)
    _check_schema(config, schema)
    config = copy.deepcopy(config)
    if any("grid" in model.get("finetune", {}) for model in config["models"].values()):
        config = _without_grids(config, schema)
    config["datasets"] = {name: _resolve_extends(config["datasets"], name, []) for name in config["datasets"]}
    for model in config["models"].values():
        if preset := model.get("finetune", {}).pop("preset", None):
            model["finetune"] = PRESETS[preset] | model["finetune"]
    config = _with_defaults(config, schema, schema["$defs"])
    for name, dataset in config["datasets"].items():
        _check_dataset(name, dataset, results=[f"results/{one}" for one in config["datasets"]])
    _check_downloads(config["datasets"])
    for name in config["models"]:
        _check_model(name, config)
    _check_seed_groups(config["models"])
    for name, dataset in config["datasets"].items():
        _check_groups(f"datasets.{name}.groups", dataset["groups"], config["models"])
    for name, clustering in config["clusters"].items():
        _check_clusters(f"clusters.{name}", clustering, config["models"])
    for name, model in config["models"].items():
        model["precision"] = _precision_of(config["models"], name)
    _check_comparable(config)
    _check_depth(config)
    for base, trained in config["compare"]:
        for name in (base, trained):
            _check_name(name, config["models"], "compare", "model")
    config["leakage_audit"]["model"] = _choose_audited_model(config)
    return config


def check_repeated_keys(path: str | Path) -> None:
    """Raises ConfigError, naming each key and its lines, if a config file has a key twice.

    YAML and JSON take the last one, and forget the others without a word.
    """
    text = Path(path).read_text(encoding="utf-8").expandtabs(1)  # JSON may be indented by tabs, YAML not
    try:
        repeated = list(_find_repeated_keys("", yaml.compose(text, yaml.SafeLoader), set()))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if repeated:
        raise ConfigError("\n".join(f"{path}: config key {line}" for line in repeated))


def _find_repeated_keys(where: str, node: yaml.Node | None, seen: set[int]) -> Iterator[str]:
    """A sentence for each repeated key below a YAML node; what an alias repeats counts once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _find_repeated_keys(f"{where}{number}.", item, seen)
    if isinstance(node, yaml.MappingNode):
        lines = {}
        for key, value in node.value:
            lines.setdefault(str(key.value), []).append(str(key.start_mark.line + 1))
            yield from _find_repeated_keys(f"{where}{key.value}.", value, seen)
        for name, found in lines.items():
            if len(found) > 1:
                yield (
                    f"{where}{name}: is there {len(found)} times, in lines {' and '.join(found)}, and only "
                    "the last would count; join them, or rename all but one"
                )


def _check_names(where: str, value: object) -> None:
    """Names of datasets and models such as 2024 or yes are numbers and truth values to YAML."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise ConfigError(
                    f"config key {where}{name}: the name {name!r} is not a text; write it in quotes"
                )
            _check_names(f"{where}{name}.", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_names(f"{where}{number}.", inner)


def _check_schema(config, schema):
    errors = sorted(Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        raise ConfigError("\n".join(line for error in errors for line in _format_schema_error(error)))


def _without_grids(config, schema):
    try:
        config = grid.expand_grid(config)
    except ValueError as error:
        raise ConfigError(f"config key {error}") from None
    _check_schema(config, schema)
    return config


def root_model(models, name):
    """The model whose encoder `name` was fine-tuned from, directly or not; itself if it was not."""
    while "finetune" in models[name]:
        name = models[name]["finetune"]["base"]
    return name


def _precision_of(models, name):
    """The precision of a model: its own, its base's, or fp32; None for one that computes nothing."""
    model = models[name]
    if model.get("library") in LIBRARIES_WITHOUT_PRECISION:
        if model["precision"] is not None:
            raise ConfigError(
                f"config key models.{name}.precision: a {model['library']} has none; leave it out"
            )
        return None
    if model["precision"] is None and "finetune" in model:
        return _precision_of(models, model["finetune"]["base"])
    return model["precision"] or "fp32"


def _check_comparable(config):
    """Models of a study stand side by side in figures and report, so all are computed alike."""
    first = {}
    for name, model in config["models"].items():
        if model.get("library") == "external":
            continue
        preprocess = config["models"][root_model(config["models"], name)]["preprocess"]
        ways = {"precision": model["precision"], "decode": config["preprocessing"][preprocess]["decode"]}
        for key, way in ways.items():
            known, other = first.setdefault(key, (way, name)) if way else (way, name)
            if way != known:
                raise ConfigError(
                    f"config key models.{name}: {key} is {way}, but for {other!r} it is {known}; models of "
                    "one study are compared, so give both the same, or one of them a study of its own"
                )


def _check_depth(config: dict) -> None:
    """A recall within more neighbours than are stored would count hits as misses."""
    most, depth = max(config["recall"]["ks"]), config["search"]["n_neighbours"]
    if most > depth:
        raise ConfigError(
            f"config key recall.ks: {most} exceeds search.n_neighbours, the {depth} neighbours stored; "
            f"write search.n_neighbours: {most}, or leave {most} out"
        )


def _choose_audited_model(config):
    """The model that the leak audit searches with: as named, or the last base, or the first model."""
    named = config["leakage_audit"]["model"]
    if named is not None:
        _check_name(named, config["models"], "leakage_audit.model", "model")
        return named
    return config["compare"][-1][0] if config["compare"] else next(iter(config["models"]))


def _format_schema_error(error):
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
        remedy = _suggest_number(error.instance, error.validator_value)
        yield f"config key {where}: {error.instance!r} is not of type {error.validator_value}{remedy}"
    else:
        about = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
        yield f"config key {where}: {error.message}" + (f" ({about})" if about else "")


def _suggest_number(value: object, types: str | list[str]) -> str:
    """What to write for a number that is one to YAML, and not to us."""
    if not isinstance(value, float) or ("integer" not in types and "number" not in types):
        return ""
    if not math.isfinite(value):
        return "; write a finite number"
    return f"; write {value:.0f}" if value.is_integer() else "; write a whole number"


def _resolve_extends(datasets, name, seen):
    """A dataset with the values of the one it extends; its source keeps that one's name."""
    dataset = copy.deepcopy(datasets[name])
    if name in seen:
        raise ConfigError(
            f"config key datasets.{name}.extends: goes round in circles: {' -> '.join([*seen, name])}"
        )
    extended = dataset.pop("extends", None)
    if extended is None:
        dataset.setdefault("source", {}).setdefault("id", name)
        return dataset
    _check_name(extended, datasets, f"datasets.{name}.extends", "dataset")
    return _merge(_resolve_extends(datasets, extended, [*seen, name]), dataset)


def _merge(below, above):
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merge(result[key], value) if both else value
    return result


def _with_defaults(value, schema, definitions):
    """`value` completed by the defaults of `schema`, all the way down."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if isinstance(value, list):
        return [_with_defaults(one, schema.get("items", {}), definitions) for one in value]
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


def _check_dataset(name: str, dataset: dict, *, results: list[str]) -> None:
    source = dataset["source"]
    _check_source(f"datasets.{name}.source", source, results)
    _check_captions(f"datasets.{name}.captions", dataset["captions"])
    _check_split(f"datasets.{name}.split", dataset["split"], own=f"results/{name}/splits.parquet")


def _check_captions(key, captions):
    if captions["priority"][-1] != "template":
        raise ConfigError(f"config key {key}.priority: nothing is reached behind template; write it last")
    if captions["tables"] and "tables" not in captions["priority"]:
        raise ConfigError(f"config key {key}.priority: without tables, but {key}.tables names some")


def _check_split(key, split, *, own):
    total = split["train"] + split["val"] + split["test"]
    if abs(total - 1) > 1e-9:
        raise ConfigError(f"config key {key}: train, val and test add up to {total:g}, not 1")
    if split["previous"] and os.path.normpath(split["previous"]) == own:
        raise ConfigError(f"config key {key}.previous: {own} is made anew; keep the earlier one elsewhere")
    if split["folds"] is None:
        return
    if split["fold"] > split["folds"]:
        raise ConfigError(f"config key {key}.fold: {split['fold']} of only {split['folds']} folds")
    if split["test"] == 1:
        raise ConfigError(f"config key {key}.test: with folds, train and val need a share")
    for other in ("previous", "use_source_split"):
        if split[other]:
            raise ConfigError(f"config key {key}.{other}: folds are dealt anew, they cannot keep given sides")


def _check_source(key: str, source: dict, results: list[str]) -> None:
    layout = source["layout"]
    if layout != "museum" and not source.get("folder"):
        raise ConfigError(f"config key {key}.folder: needed for layout {layout!r}")
    if layout == "museum" and source["follow_links"]:
        raise ConfigError(f"config key {key}.follow_links: the drawn museum has no links; leave it out")
    if layout != "museum":
        _check_outside_results(f"{key}.folder", source["folder"], results)
    if layout == "museum" and source["download"]:
        raise ConfigError(f"config key {key}.download: the museum is drawn, not downloaded; name the layout")
    asked = [name for name in ("table", "preset", "columns") if source.get(name)]
    if layout != "table":
        if asked:
            raise ConfigError(f"config key {key}.{asked[0]}: only layout 'table' reads it, not {layout!r}")
        return
    if "table" not in asked:
        raise ConfigError(f"config key {key}.table: needed for layout 'table'")
    if "preset" not in asked and not source["columns"].get("file"):
        raise ConfigError(f"config key {key}.columns.file: needed without a preset; it names the image files")
    for field, said in source["columns"].items():
        for text in column_mapping.as_list(said):
            if column_mapping.has_stray_braces(text):
                raise ConfigError(f"config key {key}.columns.{field}: {text!r} has braces without a column")


def _check_outside_results(key: str, folder: str, results: list[str]) -> None:
    """What a study writes must not lie among its images: it would list its own figures."""
    for place in [".", *results]:
        if Path(place).resolve().is_relative_to(Path(folder).resolve()):
            what = "the working directory" if place == "." else place
            raise ConfigError(
                f"config key {key}: {folder!r} holds {what}, so what the study writes would count as "
                "images of it; give the images a folder of their own, beside results/"
            )


def _check_groups(key, groups, models):
    model = (groups["near_duplicates"] or {}).get("model")
    if model is None:
        return
    _check_name(model, models, f"{key}.near_duplicates.model", "model")
    if "finetune" in models[model]:
        raise ConfigError(
            f"config key {key}.near_duplicates.model: {model!r} is trained on the split, which needs the "
            "groups first; take a model with a library"
        )


def _check_clusters(key, clustering, models):
    _check_name(clustering["model"], models, f"{key}.model", "model")
    if "finetune" in models[clustering["model"]]:
        raise ConfigError(
            f"config key {key}.model: {clustering['model']!r} is trained; take a model with a library"
        )
    if clustering["captions"] and models[clustering["model"]]["library"] != "open_clip":
        raise ConfigError(
            f"config key {key}.captions: {clustering['model']!r} reads no captions; take a model of open_clip"
        )
    if (clustering["n"] is None) == (clustering["per_cluster"] is None):
        raise ConfigError(f"config key {key}: give either n or per_cluster")


def _check_downloads(datasets):
    """Datasets of one folder share its download."""
    first = {}
    for name, dataset in datasets.items():
        folder, download = dataset["source"].get("folder"), dataset["source"]["download"]
        other, known = first.setdefault(folder, (name, download))
        if folder and download != known:
            raise ConfigError(
                f"config key datasets.{name}.source.download: is not that of {other!r}, which has the same "
                f"folder {folder!r}; give each its own"
            )


def _check_model(name, config):
    model, key = config["models"][name], f"models.{name}"
    if ("finetune" in model) == ("library" in model):
        raise ConfigError(
            f"config key {key}: give either library (an encoder as it is) or finetune (one to train)"
        )
    if "library" in model:
        if model["library"] not in ("histogram", "external") and "weights" not in model:
            raise ConfigError(
                f"config key {key}.weights: missing; write `pretrained`, a tag or a checkpoint's path, "
                "or `random` if you really mean an untrained encoder"
            )
        if model["library"] != "histogram" and "name" not in model and "path" not in model:
            raise ConfigError(f"config key {key}.name: missing; it names the architecture")
        if model["library"] != "external":
            _check_name(
                model.get("preprocess"), config["preprocessing"], f"{key}.preprocess", "preprocessing"
            )
        return
    _check_name(
        model["finetune"]["labels"], [*LEVELS, *config["clusters"]], f"{key}.finetune.labels", "label"
    )
    seen = [name]
    while "finetune" in config["models"][seen[-1]]:
        base = config["models"][seen[-1]]["finetune"]["base"]
        _check_name(base, config["models"], f"models.{seen[-1]}.finetune.base", "model")
        if base in seen:
            raise ConfigError(
                f"config key {key}.finetune.base: goes round in circles: {' -> '.join([*seen, base])}"
            )
        seen.append(base)
    if config["models"][seen[-1]]["library"] in ("external", "histogram"):
        raise ConfigError(
            f"config key {key}.finetune.base: {seen[-1]!r} has no weights that could be trained"
        )


def _check_seed_groups(models):
    """Models of one seed group differ in nothing but their seed."""
    for group, (first, *others) in grid.seed_groups(models).items():
        for name in others:
            if _without_seed(models[name]) != _without_seed(models[first]):
                raise ConfigError(
                    f"config key models.{name}.finetune.seed_group: {first!r} is in {group!r} too, "
                    "so the two may differ in nothing but the seed; name another"
                )


def _without_seed(model):
    recipe = {
        key: value for key, value in model.get("finetune", {}).items() if key not in ("seed", "seed_group")
    }
    return model | {"finetune": recipe}


def _check_name(name, names, key, kind):
    if name not in names:
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"config key {key}: no {kind} {name!r}; {hint}there is {', '.join(names) or 'none'}"
        )
