"""A study's config: checked against its schema, completed with defaults, cross-checked."""

import copy
import difflib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from nearkin.driver import grid
from nearkin.driver.config_schema import ConfigError, check_names, check_schema, fill_defaults
from nearkin.driver.config_types import (
    CaptionsConfig,
    ClustersConfig,
    Config,
    DatasetConfig,
    GroupsConfig,
    ModelConfig,
    SourceConfig,
    SplitConfig,
)
from nearkin.finetune.recipe import PRESETS
from nearkin.sources import column_mapping
from nearkin.vocabulary import LEVELS

LIBRARIES_WITHOUT_PRECISION = ("external", "histogram")
"""Libraries whose models run no network: models of any precision compare with them."""


def resolve_config(config: dict[str, Any], schema: Mapping[str, Any]) -> Config:
    """The config with all defaults filled in and every `extends:` resolved.

    Raises ConfigError naming the key, its value and what is allowed.
    """
    check_names(config)
    check_schema(config, schema)
    resolved = _resolve_references(config, schema)
    for name, dataset in resolved["datasets"].items():
        _check_dataset(name, dataset, results=[f"results/{other}" for other in resolved["datasets"]])
    _check_downloads(resolved["datasets"])
    for name in resolved["models"]:
        _check_model(name, resolved)
    _check_seed_groups(resolved["models"])
    for name, dataset in resolved["datasets"].items():
        _check_groups(f"datasets.{name}.groups", dataset["groups"], resolved["models"])
    for name, clustering in resolved["clusters"].items():
        _check_clusters(f"clusters.{name}", clustering, resolved["models"])
    for name, model in resolved["models"].items():
        model["precision"] = _precision_of(resolved["models"], name)
    _check_comparable(resolved)
    _check_depth(resolved)
    for base, trained in resolved["compare"]:
        for name in (base, trained):
            _check_name(name, resolved["models"], "compare", "model")
    resolved["leakage_audit"]["model"] = _choose_audited_model(resolved)
    return resolved


def _resolve_references(config: dict[str, Any], schema: Mapping[str, Any]) -> Config:
    """The config without grids, `extends` and presets, and with all defaults."""
    config = copy.deepcopy(config)
    if any("grid" in model.get("finetune", {}) for model in config["models"].values()):
        config = _expand_grids(config, schema)
    config["datasets"] = {name: _resolve_extends(config["datasets"], name, []) for name in config["datasets"]}
    for model in config["models"].values():
        if preset := model.get("finetune", {}).pop("preset", None):
            model["finetune"] = PRESETS[preset] | model["finetune"]
    return cast(Config, fill_defaults(config, schema, schema["$defs"]))


def check_repeated_keys(path: str | Path) -> None:
    """Raises ConfigError, naming each key and its lines, if a config file has a key twice.

    YAML and JSON take the last one and silently drop the others.
    """
    text = Path(path).read_text(encoding="utf-8").expandtabs(1)  # JSON may be indented by tabs, YAML not
    try:
        repeated = list(_find_repeated_keys("", yaml.compose(text, yaml.SafeLoader), set()))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if repeated:
        raise ConfigError("\n".join(f"{path}: config key {line}" for line in repeated))


def _find_repeated_keys(where: str, node: yaml.Node | None, seen: set[int]) -> Iterator[str]:
    """A sentence for each repeated key below a YAML node; a node that an alias repeats counts once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _find_repeated_keys(f"{where}{number}.", item, seen)
    if isinstance(node, yaml.MappingNode):
        lines_by_key: dict[str, list[str]] = {}
        for key, value in node.value:
            lines_by_key.setdefault(str(key.value), []).append(str(key.start_mark.line + 1))
            yield from _find_repeated_keys(f"{where}{key.value}.", value, seen)
        for name, lines in lines_by_key.items():
            if len(lines) > 1:
                yield (
                    f"{where}{name}: is there {len(lines)} times, in lines {' and '.join(lines)}, and only "
                    "the last would count; join them, or rename all but one"
                )


def _expand_grids(config: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    try:
        config = grid.expand_grid(config)
    except ValueError as error:
        raise ConfigError(f"config key {error}") from None
    check_schema(config, schema)
    return config


def root_model(models: Mapping[str, ModelConfig], name: str) -> str:
    """The model whose encoder `name` was fine-tuned from, directly or not; itself if it was not."""
    while finetune := models[name].get("finetune"):
        name = finetune["base"]
    return name


def _precision_of(models: Mapping[str, ModelConfig], name: str) -> str | None:
    """The precision of a model: its own, its base's, or fp32; None for a model that runs no network."""
    model = models[name]
    library, finetune = model.get("library"), model.get("finetune")
    if library in LIBRARIES_WITHOUT_PRECISION:
        if model["precision"] is not None:
            raise ConfigError(f"config key models.{name}.precision: a {library} has none; leave it out")
        return None
    if model["precision"] is None and finetune:
        return _precision_of(models, finetune["base"])
    return model["precision"] or "fp32"


def _check_comparable(config: Config) -> None:
    """All models of a study are computed alike, because figures and report compare them."""
    first: dict[str, tuple[str, str]] = {}
    for name, model in config["models"].items():
        if model.get("library") == "external":
            continue
        root = config["models"][root_model(config["models"], name)]
        preprocess = cast(str, root.get("preprocess"))  # only external models have none
        settings = {"precision": model["precision"], "decode": config["preprocessing"][preprocess]["decode"]}
        for key, value in settings.items():
            known, other = first.setdefault(key, (value, name)) if value else (value, name)
            if value != known:
                raise ConfigError(
                    f"config key models.{name}: {key} is {value}, but for {other!r} it is {known}; models of "
                    "one study are compared, so give both the same, or one of them a study of its own"
                )


def _check_depth(config: Config) -> None:
    """A recall within more neighbours than are stored would count hits as misses."""
    max_k, depth = max(config["recall"]["ks"]), config["search"]["n_neighbours"]
    if max_k > depth:
        raise ConfigError(
            f"config key recall.ks: {max_k} exceeds search.n_neighbours, the {depth} neighbours stored; "
            f"write search.n_neighbours: {max_k}, or leave {max_k} out"
        )


def _choose_audited_model(config: Config) -> str:
    """The model that the leakage audit searches with: as configured, or the last base, or the first model."""
    name = config["leakage_audit"]["model"]
    if name is not None:
        _check_name(name, config["models"], "leakage_audit.model", "model")
        return name
    return config["compare"][-1][0] if config["compare"] else next(iter(config["models"]))


def _resolve_extends(datasets: Mapping[str, Any], name: str, seen: list[str]) -> dict[str, Any]:
    """A dataset with the values of the one it extends; its source keeps the name of that one."""
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


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with the values of `above` over it, at every level."""
    result = dict(below)
    for key, value in above.items():
        are_dicts = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merge(result[key], value) if are_dicts else value
    return result


def _check_dataset(name: str, dataset: DatasetConfig, *, results: Sequence[str]) -> None:
    _check_source(f"datasets.{name}.source", dataset["source"], results)
    _check_captions(f"datasets.{name}.captions", dataset["captions"])
    _check_split(f"datasets.{name}.split", dataset["split"], own=f"results/{name}/splits.parquet")


def _check_captions(key: str, captions: CaptionsConfig) -> None:
    if captions["priority"][-1] != "template":
        raise ConfigError(f"config key {key}.priority: nothing after template is ever used; write it last")
    if captions["tables"] and "tables" not in captions["priority"]:
        raise ConfigError(f"config key {key}.priority: without tables, but {key}.tables names some")


def _check_split(key: str, split: SplitConfig, *, own: str) -> None:
    total = split["train"] + split["val"] + split["test"]
    if abs(total - 1) > 1e-9:
        raise ConfigError(f"config key {key}: train, val and test add up to {total:g}, not 1")
    if split["previous"] and os.path.normpath(split["previous"]) == own:
        raise ConfigError(
            f"config key {key}.previous: {own} is written again; keep the earlier one elsewhere"
        )
    if split["folds"] is None:
        return
    if split["fold"] > split["folds"]:
        raise ConfigError(f"config key {key}.fold: {split['fold']} of only {split['folds']} folds")
    if split["test"] == 1:
        raise ConfigError(f"config key {key}.test: with folds, train and val need a share")
    for other in ("previous", "use_source_split"):
        if split[other]:
            raise ConfigError(
                f"config key {key}.{other}: folds are assigned at random and keep no given split"
            )


def _check_source(key: str, source: SourceConfig, results: Sequence[str]) -> None:
    layout, folder = source["layout"], source.get("folder")
    if layout == "synthetic":
        if source["follow_links"]:
            raise ConfigError(
                f"config key {key}.follow_links: the synthetic dataset has no links; leave it out"
            )
        if source["download"]:
            raise ConfigError(
                f"config key {key}.download: the synthetic dataset is drawn, not downloaded; name the layout"
            )
    elif not folder:
        raise ConfigError(f"config key {key}.folder: needed for layout {layout!r}")
    else:
        _check_outside_results(f"{key}.folder", folder, results)
    table_keys = [name for name in ("table", "preset", "columns") if source.get(name)]
    if layout != "table":
        if table_keys:
            raise ConfigError(
                f"config key {key}.{table_keys[0]}: only layout 'table' reads it, not {layout!r}"
            )
        return
    if "table" not in table_keys:
        raise ConfigError(f"config key {key}.table: needed for layout 'table'")
    if "preset" not in table_keys and not source["columns"].get("file"):
        raise ConfigError(f"config key {key}.columns.file: needed without a preset; it names the image files")
    for field, columns in source["columns"].items():
        for text in column_mapping.as_list(columns):
            if column_mapping.has_stray_braces(text):
                raise ConfigError(f"config key {key}.columns.{field}: {text!r} has braces without a column")


def _check_outside_results(key: str, folder: str, results: Sequence[str]) -> None:
    """What a study writes must not lie among its images: it would list its own figures."""
    for path in [".", *results]:
        if Path(path).resolve().is_relative_to(Path(folder).resolve()):
            content = "the working directory" if path == "." else path
            raise ConfigError(
                f"config key {key}: {folder!r} holds {content}, so what the study writes would count as "
                "images of it; give the images a folder of their own, outside results/"
            )


def _check_groups(key: str, groups: GroupsConfig, models: Mapping[str, ModelConfig]) -> None:
    near_duplicates = groups["near_duplicates"]
    model = near_duplicates["model"] if near_duplicates else None
    if model is None:
        return
    _check_name(model, models, f"{key}.near_duplicates.model", "model")
    if "finetune" in models[model]:
        raise ConfigError(
            f"config key {key}.near_duplicates.model: {model!r} is trained on the split, which needs the "
            "groups first; take a model with a library"
        )


def _check_clusters(key: str, clustering: ClustersConfig, models: Mapping[str, ModelConfig]) -> None:
    _check_name(clustering["model"], models, f"{key}.model", "model")
    if "finetune" in models[clustering["model"]]:
        raise ConfigError(
            f"config key {key}.model: {clustering['model']!r} is trained; take a model with a library"
        )
    if clustering["use_captions"] and models[clustering["model"]].get("library") != "open_clip":
        raise ConfigError(
            f"config key {key}.captions: {clustering['model']!r} reads no captions; take a model of open_clip"
        )
    if (clustering["n_clusters"] is None) == (clustering["images_per_cluster"] is None):
        raise ConfigError(f"config key {key}: give either n_clusters or images_per_cluster")


def _check_downloads(datasets: Mapping[str, DatasetConfig]) -> None:
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


def _check_model(name: str, config: Config) -> None:
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
    elif "finetune" in model:
        labels = [*LEVELS, *config["clusters"]]
        _check_name(model["finetune"]["labels"], labels, f"{key}.finetune.labels", "label")
        _check_bases(name, config["models"])


def _check_bases(name: str, models: Mapping[str, ModelConfig]) -> None:
    """A fine-tuned model goes back to a pretrained one, whose weights can be trained."""
    chain = [name]
    while finetune := models[chain[-1]].get("finetune"):
        base = finetune["base"]
        _check_name(base, models, f"models.{chain[-1]}.finetune.base", "model")
        if base in chain:
            circle = " -> ".join([*chain, base])
            raise ConfigError(f"config key models.{name}.finetune.base: goes round in circles: {circle}")
        chain.append(base)
    if models[chain[-1]].get("library") in ("external", "histogram"):
        raise ConfigError(
            f"config key models.{name}.finetune.base: {chain[-1]!r} has no weights that could be trained"
        )


def _check_seed_groups(models: Mapping[str, ModelConfig]) -> None:
    """Models of one seed group differ only in their seed."""
    for group, (first, *others) in grid.seed_groups(models).items():
        for name in others:
            if _without_seed(models[name]) != _without_seed(models[first]):
                raise ConfigError(
                    f"config key models.{name}.finetune.seed_group: {first!r} is in {group!r} too, "
                    "so the two may differ in nothing but the seed; name another"
                )


def _without_seed(model: ModelConfig) -> dict[str, object]:
    finetune = model.get("finetune", {})
    recipe = {key: value for key, value in finetune.items() if key not in ("seed", "seed_group")}
    return {**model, "finetune": recipe}


def _check_name(name: str | None, names: Collection[str], key: str, kind: str) -> None:
    """Raises ConfigError, with the most similar name, unless `name` is one of `names`."""
    if name not in names:
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"config key {key}: no {kind} {name!r}; {hint}there is {', '.join(names) or 'none'}"
        )
