"""Configs that run, and what is said of those that do not."""

import copy
import dataclasses
from pathlib import Path

import pytest
import yaml

from nearkin.config import ConfigError, base_of, settle
from nearkin.finetune.recipe import Recipe

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
SHIPPED = yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.mark.parametrize("path", ["config/config.yaml", "config/vlm4bio.yaml", "tests/delivery.yaml"])
def test_the_projects_own_configs_are_valid(path):
    settled = settle(yaml.safe_load((ROOT / path).read_text()), SCHEMA)
    assert settled["search"]["depth"] == 100


def test_every_key_is_described_and_every_optional_one_has_a_default():
    def walk(schema, path, required):
        if "$ref" in schema:
            default = "default" in schema
            schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
            assert default or schema.get("description"), path
        assert schema.get("description"), path
        if "properties" in schema:
            assert schema.get("additionalProperties") is False, path
        for key, inner in schema.get("properties", {}).items():
            walk(inner, f"{path}.{key}", schema.get("required", []))

    walk(SCHEMA, "", [])
    for name, definition in SCHEMA["$defs"].items():
        walk(definition, name, [])


def wrong(path, value):
    config = copy.deepcopy(SHIPPED)
    place = config
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    with pytest.raises(ConfigError) as caught:
        settle(config, SCHEMA)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ["models", "lite0", "libary"],
            "timm",
            "config key models.lite0.libary: unknown key; did you mean 'library'?",
        ),
        (["shards"], "two", "config key shards: 'two' is not of type integer"),
        (["shards"], 0, "config key shards: 0 is less than the minimum of 1"),
        (
            ["datasets", "museum", "source", "layout"],
            "zoo",
            "'zoo' is not one of 'museum', 'vlm4bio', 'folders'",
        ),
        (["datasets", "museum", "source"], {"layout": "folders"}, "datasets.museum.source.folder: needed"),
        (["datasets", "museum", "split"], {"train": 0.9}, "add up to 1.4, not 1"),
        (
            ["datasets", "museum", "captions", "ladder"],
            ["template", "delivered"],
            "ladder: nothing is reached",
        ),
        (
            ["datasets", "museum", "captions"],
            {"ladder": ["template"], "tables": [{"path": "a.csv"}]},
            "without tables",
        ),
        (["datasets", "other"], {"like": "musem"}, "no dataset 'musem'; did you mean 'museum'?"),
        (["models", "lite0_unicom", "finetune", "base"], "lite1", "no model 'lite1'; did you mean 'lite0'?"),
        (["models", "lite0_unicom", "finetune", "base"], "lite0_unicom", "goes round in circles"),
        (["models", "lite0_unicom", "library"], "timm", "give either library"),
        (
            ["models", "lite0"],
            {"library": "timm", "name": "x", "preprocess": "square_224"},
            "weights: missing",
        ),
        (["models", "lite0", "preprocess"], "square_22", "no preprocessing 'square_22'"),
        (["models", "lite0_unicom", "finetune", "base"], "histogram", "no weights that could be trained"),
        (["models", "figures"], {"library": "histogram"}, "figures"),
        (["compare"], [["lite0", "lite2"]], "config key compare: no model 'lite2'"),
        (["recall"], {"ks": [5]}, "1 is always among them"),
        (["leak_audit"], {"model": "lite2"}, "config key leak_audit.model: no model 'lite2'"),
        (["datasets", "museum", "split"], {"folds": 5, "fold": 6}, "split.fold: 6 of only 5 folds"),
        (["datasets", "museum", "split"], {"folds": 5, "adopt": True}, "split.adopt: folds are dealt anew"),
        (
            ["datasets", "museum", "split"],
            {"folds": 5, "previous": "a"},
            "split.previous: folds are dealt anew",
        ),
        (
            ["datasets", "museum", "split"],
            {"folds": 5, "test": 1, "train": 0, "val": 0},
            "split.test: with folds, train and val need a share",
        ),
        (
            ["datasets", "museum", "split"],
            {"previous": "./results/museum/splits.parquet"},
            "split.previous: results/museum/splits.parquet is made anew",
        ),
        (
            ["datasets", "museum", "groups", "near_duplicates"],
            {"model": "lite1"},
            "groups.near_duplicates.model: no model 'lite1'; did you mean 'lite0'?",
        ),
        (
            ["datasets", "museum", "groups", "near_duplicates"],
            {"model": "lite0_unicom"},
            "groups.near_duplicates.model: 'lite0_unicom' is trained on the split",
        ),
    ],
)
def test_a_wrong_key_is_named_with_what_is_allowed(path, value, said):
    assert said in wrong(path, value)


def test_a_dataset_like_another_keeps_its_images_names():
    config = copy.deepcopy(SHIPPED)
    config["datasets"]["again"] = {"like": "museum", "split": {"seed": 2}}
    again = settle(config, SCHEMA)["datasets"]["again"]
    assert again["source"]["id"] == "museum"
    assert again["split"]["seed"] == 2
    assert again["groups"]["specimen"] == SHIPPED["datasets"]["museum"]["groups"]["specimen"]


def test_what_lists_hold_is_completed_too():
    config = copy.deepcopy(SHIPPED)
    config["datasets"]["museum"]["captions"] = {"tables": [{"path": "a.csv"}]}
    (table,) = settle(config, SCHEMA)["datasets"]["museum"]["captions"]["tables"]
    assert table == {"path": "a.csv", "image": "image_path", "caption": "caption"}


def test_leaks_are_measured_with_the_last_base_unless_a_model_is_named():
    def audited(**changes):
        return settle(copy.deepcopy(SHIPPED) | changes, SCHEMA)["leak_audit"]["model"]

    assert audited() == SHIPPED["compare"][-1][0]
    assert audited(compare=[]) == next(iter(SHIPPED["models"]))
    assert audited(leak_audit={"model": "untrained"}) == "untrained"


def test_base_of_follows_fine_tunings():
    models = {"a": {}, "b": {"finetune": {"base": "a"}}, "c": {"finetune": {"base": "b"}}}
    assert base_of(models, "c") == "a"


def test_the_recipes_defaults_are_the_schemas():
    schema = SCHEMA["$defs"]["finetune"]["properties"]
    recipe = {field.name: field.default for field in dataclasses.fields(Recipe)}
    assert {key: inner["default"] for key, inner in schema.items() if key != "base"} == recipe


def test_the_order_of_keys_changes_nothing_but_the_order_of_models():
    settled = settle(SHIPPED, SCHEMA)
    shuffled = yaml.safe_load(yaml.safe_dump(SHIPPED, sort_keys=True))
    shuffled["models"] = {name: shuffled["models"][name] for name in SHIPPED["models"]}
    assert repr(settle(shuffled, SCHEMA)) == repr(settled)
