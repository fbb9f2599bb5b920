"""Valid configs, and the errors of invalid ones."""

import copy
from pathlib import Path

import pytest
import yaml

from nearkin.driver.config import ConfigError, check_repeated_keys, resolve_config, root_model
from nearkin.finetune.recipe import PRESETS, SAMPLING_POWERS
from tests.factories.recipes import recipe_of
from tests.factories.schema import SCHEMA

ROOT = Path(__file__).parents[3]
SHIPPED = yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.mark.parametrize("path", ["config/config.yaml", "config/vlm4bio.yaml", "tests/delivery.yaml"])
def test_the_projects_own_configs_are_valid(path):
    config = resolve_config(yaml.safe_load((ROOT / path).read_text()), SCHEMA)
    assert config["search"]["n_neighbours"] == 100


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


def read_error(path, value):
    config = copy.deepcopy(SHIPPED)
    section = config
    for key in path[:-1]:
        section = section.setdefault(key, {})
    section[path[-1]] = value
    with pytest.raises(ConfigError) as caught:
        resolve_config(config, SCHEMA)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
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
            "'zoo' is not one of 'synthetic', 'vlm4bio', 'folders'",
        ),
        (["datasets", "museum", "source"], {"layout": "folders"}, "datasets.museum.source.folder: needed"),
        (["datasets", "museum", "split"], {"train": 0.9}, "add up to 1.4, not 1"),
        (
            ["datasets", "museum", "captions", "priority"],
            ["template", "delivered"],
            "priority: nothing after template is ever used",
        ),
        (
            ["datasets", "museum", "captions"],
            {"priority": ["template"], "tables": [{"path": "a.csv"}]},
            "without tables",
        ),
        (["datasets", "other"], {"extends": "musem"}, "no dataset 'musem'; did you mean 'museum'?"),
        (["models", "lite0_unicom", "finetune", "base"], "lite1", "no model 'lite1'; did you mean 'lite0'?"),
        (["models", "lite0_unicom", "finetune", "base"], "lite0_unicom", "goes round in circles"),
        (["models", "lite0_unicom", "library"], "timm", "give either library"),
        (["models", "lite0_unicom", "finetune", "epochs"], 0, "finetune.epochs: 0 is less than the minimum"),
        (["models", "lite0_unicom", "finetune", "trainable"], "last_0", "finetune.trainable: 'last_0' does"),
        (
            ["models", "lite0_unicom", "finetune", "margin_gradient"],
            "exakt",
            "finetune.margin_gradient: 'exakt' is not one of 'straight_through', 'exact'",
        ),
        (
            ["models", "lite0_unicom", "finetune", "sample_rate"],
            0,
            "finetune.sample_rate: 0 is less than or equal to the minimum of 0",
        ),
        (["models", "lite0_unicom", "finetune", "marginn"], 1, "finetune.marginn: unknown key; did you mean"),
        (
            ["models", "lite0"],
            {"library": "timm", "name": "x", "preprocess": "square_224"},
            "weights: missing",
        ),
        (["models", "lite0", "preprocess"], "square_22", "no preprocessing 'square_22'"),
        (["models", "lite0_unicom", "finetune", "base"], "histogram", "no weights that could be trained"),
        (["models", "figures"], {"library": "histogram"}, "figures"),
        (["compare"], [["lite0", "lite2"]], "config key compare: no model 'lite2'"),
        (["compare"], [["lite0", "lite0"]], "compare.0: ['lite0', 'lite0'] has non-unique elements"),
        (["recall"], {"ks": [5]}, "1 is always among them"),
        (
            ["models", "lite0_unicom", "finetune", "labels"],
            "specis",
            "no label 'specis'; did you mean 'species'?",
        ),
        (["clusters"], {"c": {"model": "lite2", "n_clusters": 5}}, "clusters.c.model: no model 'lite2'"),
        (["clusters"], {"c": {"model": "lite0_unicom", "n_clusters": 5}}, "'lite0_unicom' is trained"),
        (["clusters"], {"c": {"model": "lite0"}}, "clusters.c: give either n_clusters or images_per_cluster"),
        (
            ["clusters"],
            {"c": {"model": "lite0", "n_clusters": 5, "use_captions": True}},
            "clusters.c.captions: 'lite0' reads no captions; take a model of open_clip",
        ),
        (["clusters"], {"genus": {"model": "lite0", "n_clusters": 5}}, "clusters"),
        (["leakage_audit"], {"model": "lite2"}, "config key leakage_audit.model: no model 'lite2'"),
        (["datasets", "museum", "split"], {"folds": 5, "fold": 6}, "split.fold: 6 of only 5 folds"),
        (
            ["datasets", "museum", "split"],
            {"folds": 5, "use_source_split": True},
            "split.use_source_split: folds are assigned at random",
        ),
        (
            ["datasets", "museum", "split"],
            {"folds": 5, "previous": "a"},
            "split.previous: folds are assigned at random",
        ),
        (
            ["datasets", "museum", "split"],
            {"folds": 5, "test": 1, "train": 0, "val": 0},
            "split.test: with folds, train and val need a share",
        ),
        (
            ["datasets", "museum", "split"],
            {"previous": "./results/museum/splits.parquet"},
            "split.previous: results/museum/splits.parquet is written again",
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
        (
            ["search"],
            {"n_neighbours": 3},
            "config key recall.ks: 10 exceeds search.n_neighbours, the 3 neighbours",
        ),
        (
            ["search"],
            {"n_neighbours": 100.0},
            "config key search.n_neighbours: 100.0 is not of type integer; write 100",
        ),
        (
            ["search"],
            {"n_neighbours": 200_000},
            "search.n_neighbours: 200000 is greater than the maximum of 100000",
        ),
        (["recall"], {"ks": [1, 5.0]}, "config key recall.ks.1: 5.0 is not of type integer; write 5"),
        (["recall"], {"ks": [1, 10**30]}, "recall.ks.1: 10"),
        (["datasets", "museum", "split"], {"train": float("nan")}, "split.train: nan is not of type number"),
        (["models", "lite0_unicom", "finetune", "lr"], float("inf"), "lr: inf is not of type number"),
        (["datasets", 2024], {}, "datasets.2024: the name 2024 is not a text; write it in quotes"),
        (["models", True], {"library": "histogram"}, "models.True: the name True is not a text"),
    ],
)
def test_an_invalid_key_is_named_with_the_allowed_values(path, value, message):
    assert message in read_error(path, value)


SEEDS = [
    ["datasets", "museum", "source", "synthetic", "seed"],
    ["datasets", "museum", "split", "seed"],
    ["models", "untrained", "seed"],
    ["models", "lite0_unicom", "finetune", "seed"],
    ["clusters", "looks", "seed"],
    ["recall", "seed"],
]


@pytest.mark.parametrize("path", SEEDS, ids=".".join)
def test_a_seed_is_an_integer_that_every_library_accepts(path):
    assert f"config key {'.'.join(path)}: -1 is less than the minimum of 0" in read_error(path, -1)
    assert "is greater than the maximum of 2147483647" in read_error(path, 2**31)
    assert "1.5 is not of type integer" in read_error(path, 1.5)


def test_every_seed_of_the_schema_is_tested():
    def list_seeds(section):
        for key, inner in section.items() if isinstance(section, dict) else ():
            yield from [inner] if key == "seed" else list_seeds(inner)

    seeds = list(list_seeds(SCHEMA))
    assert len(seeds) == len(SEEDS)
    assert all((seed["minimum"], seed["maximum"]) == (0, 2**31 - 1) for seed in seeds)


def test_a_duplicate_key_is_named_with_its_lines(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("datasets:\n  a: {seed: 1, seed: 2}\nshards: 2\nmodels:\n  - {b: 1}\nshards: 3\n")
    with pytest.raises(ConfigError) as caught:
        check_repeated_keys(path)
    first, last = str(caught.value).splitlines()
    assert f"{path}: config key datasets.a.seed: is there 2 times, in lines 2 and 2, and only" in first
    assert f"{path}: config key shards: is there 2 times, in lines 3 and 6, and only" in last
    path.write_text('{\n\t"shards": 2,\n\t"models": {},\n\t"shards": 3\n}')  # JSON, as Snakemake reads it
    with pytest.raises(ConfigError, match="shards: is there 2 times, in lines 2 and 4"):
        check_repeated_keys(path)


@pytest.mark.parametrize("path", ["config/config.yaml", "config/vlm4bio.yaml", "tests/delivery.yaml"])
def test_no_key_of_the_projects_own_configs_is_repeated(path):
    check_repeated_keys(ROOT / path)


def test_an_alias_or_a_merge_repeats_no_key(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("a: &a {x: 1}\nb: *a\nc: {<<: *a, x: 2}\nd: &d [*d]\n")
    check_repeated_keys(path)
    path.write_text("")
    check_repeated_keys(path)


@pytest.mark.parametrize(
    ("folder", "content"),
    [
        (".", "the working directory"),
        ("..", "the working directory"),
        ("link", "the working directory"),
        ("results", "results/mine"),
        ("./results/mine", "results/mine"),
    ],
)
def test_a_folder_that_contains_the_results_is_refused(folder, content, tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    monkeypatch.chdir(tmp_path / "study")
    Path("link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match=f"datasets.mine.source.folder: '{folder}' holds {content}, so"):
        resolve_study_of(folder)


@pytest.mark.parametrize("folder", ["photos", "../photos", "results/museum/delivery", "results/mine/photos"])
def test_images_may_be_in_any_other_folder(folder):
    resolve_study_of(folder)


def resolve_study_of(folder):
    """The shipped study with images in `folder`, resolved."""
    datasets = {"mine": {"source": {"layout": "folders", "folder": folder}}}
    return resolve_config(copy.deepcopy(SHIPPED) | {"datasets": datasets}, SCHEMA)


def test_a_base_without_a_library_is_named():
    models = {"tuned": {"finetune": {"base": "empty"}}, "empty": {"name": "x"}}
    with pytest.raises(ConfigError, match="config key models.empty: give either library"):
        resolve_config(copy.deepcopy(SHIPPED) | {"models": models, "compare": []}, SCHEMA)


def test_k_may_be_as_large_as_the_depth():
    config = copy.deepcopy(SHIPPED) | {"search": {"n_neighbours": 3}, "recall": {"ks": [1, 3]}}
    assert resolve_config(config, SCHEMA)["recall"]["ks"] == [1, 3]


@pytest.mark.parametrize("name", ["inspection", "figures", "thumbnails", "report_thumbnails"])
def test_a_model_cannot_have_the_name_of_a_dataset_folder(name):
    assert name in read_error(["models", name], {"library": "histogram", "preprocess": "square_224"})


def test_a_dataset_that_extends_another_keeps_its_image_ids():
    config = copy.deepcopy(SHIPPED)
    config["datasets"]["again"] = {"extends": "museum", "split": {"seed": 2}}
    extended = resolve_config(config, SCHEMA)["datasets"]["again"]
    assert extended["source"]["id"] == "museum"
    assert extended["split"]["seed"] == 2
    assert extended["groups"]["specimen"] == SHIPPED["datasets"]["museum"]["groups"]["specimen"]


def test_items_of_lists_get_defaults_too():
    config = copy.deepcopy(SHIPPED)
    config["datasets"]["museum"]["captions"] = {"tables": [{"path": "a.csv"}]}
    (table,) = resolve_config(config, SCHEMA)["datasets"]["museum"]["captions"]["tables"]
    assert table == {"path": "a.csv", "image": "image_path", "caption": "caption"}


def test_the_leakage_audit_uses_the_last_base_by_default():
    def read_audit_model(**changes):
        return resolve_config(copy.deepcopy(SHIPPED) | changes, SCHEMA)["leakage_audit"]["model"]

    assert read_audit_model() == SHIPPED["compare"][-1][0]
    assert read_audit_model(compare=[]) == next(iter(SHIPPED["models"]))
    assert read_audit_model(leakage_audit={"model": "untrained"}) == "untrained"


def test_root_model_follows_fine_tunings():
    models = {"a": {}, "b": {"finetune": {"base": "a"}}, "c": {"finetune": {"base": "b"}}}
    assert root_model(models, "c") == "a"


def test_a_recipe_has_every_training_key_of_the_schema():
    schema = SCHEMA["$defs"]["finetune"]["properties"]
    of_the_model = ("base", "preset", "grid", "seed_group")
    defaults = {key: inner["default"] for key, inner in schema.items() if key not in of_the_model}
    assert list(recipe_of().items()) == list(defaults.items())  # in its order, as encoder.json has it
    assert set(schema["class_sampling"]["enum"]) == set(SAMPLING_POWERS)


def test_a_preset_sets_only_missing_values():
    finetune = {"base": "lite0", "preset": "unicom_sop", "epochs": 3}
    finetuning = resolve_with(models__tuned__finetune=finetune)["models"]["tuned"]["finetune"]
    assert [finetuning[key] for key in ("epochs", "batch_size", "m2", "trainable", "seed")] == [
        3,
        64,
        0.25,
        "all",
        1,
    ]
    for preset in PRESETS.values():
        assert recipe_of(**preset)["lr"] == 1e-5


def test_the_order_of_keys_changes_nothing_but_the_order_of_models():
    config = resolve_config(SHIPPED, SCHEMA)
    shuffled = yaml.safe_load(yaml.safe_dump(SHIPPED, sort_keys=True))
    shuffled["models"] = {name: shuffled["models"][name] for name in SHIPPED["models"]}
    assert repr(resolve_config(shuffled, SCHEMA)) == repr(config)


def resolve_with(**changes):
    """The shipped config with changes to its models or preprocessings, resolved."""
    config = copy.deepcopy(SHIPPED)
    for key, value in changes.items():
        section, name, last = key.split("__")
        config[section].setdefault(name, {})[last] = value
    return resolve_config(config, SCHEMA)


def test_precision_is_that_of_the_model_or_its_base_or_fp32():
    precisions = {name: model["precision"] for name, model in resolve_with()["models"].items()}
    assert precisions == {"histogram": None, "untrained": "fp32", "lite0": "fp32", "lite0_unicom": "fp32"}
    models = resolve_with(models__untrained__precision="bf16", models__lite0__precision="bf16")["models"]
    assert models["lite0_unicom"]["precision"] == "bf16"


def test_models_of_one_study_have_equal_precision_and_decoder():
    with pytest.raises(ConfigError, match="models.lite0: precision is bf16, but for 'untrained' it is fp32"):
        resolve_with(models__lite0__precision="bf16")
    with pytest.raises(ConfigError, match="lite0_unicom: precision is tf32, .* a study of its own"):
        resolve_with(models__lite0_unicom__precision="tf32")
    with pytest.raises(ConfigError, match="models.histogram.precision: a histogram has none; leave it out"):
        resolve_with(models__histogram__precision="fp32")
    other = copy.deepcopy(SHIPPED["preprocessing"]["square_224"]) | {"decode": "fast"}
    config = copy.deepcopy(SHIPPED)
    config["preprocessing"]["fast_224"] = other
    config["models"]["lite0"]["preprocess"] = "fast_224"
    with pytest.raises(ConfigError, match="models.lite0: decode is fast, but for 'histogram' it is exact"):
        resolve_config(config, SCHEMA)


def test_external_embeddings_can_be_compared_with_any_model():
    table = {"library": "external", "path": "elsewhere.parquet"}
    config = copy.deepcopy(SHIPPED) | {"models": {"ours": SHIPPED["models"]["lite0"], "theirs": table}}
    config |= {"compare": [["theirs", "ours"]]}
    config["models"]["ours"] = config["models"]["ours"] | {"precision": "bf16"}
    assert resolve_config(config, SCHEMA)["models"]["theirs"]["precision"] is None
