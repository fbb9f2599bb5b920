"""A grid of fine-tunings: its models, their names, and invalid grids."""

import copy

import pytest

from nearkin.driver.config import ConfigError, resolve_config
from nearkin.driver.grid import seed_groups
from tests.unit.driver.test_config import SCHEMA, SHIPPED


def resolve_study(finetune, **models):
    """The shipped config, resolved, with the fine-tuning `swept` compared with its base."""
    config = copy.deepcopy(SHIPPED)
    config["models"] |= {"swept": {"finetune": {"base": "lite0"} | finetune}} | models
    config["compare"] = [["lite0", "swept"]]
    return resolve_config(config, SCHEMA)


def test_each_combination_is_a_model_at_the_position_of_the_grid():
    config = resolve_study({"epochs": 3, "grid": {"seed": [7, 8], "m2": [0.2, 0.5], "max_grad_norm": [None]}})
    finetunings = {name: model["finetune"] for name, model in config["models"].items() if "swept" in name}
    assert list(finetunings) == [
        f"swept.m2_{m2}.max_grad_norm_none.seed_{seed}" for m2 in (0.2, 0.5) for seed in (7, 8)
    ]
    assert [
        (finetuning["m2"], finetuning["seed"], finetuning["epochs"]) for finetuning in finetunings.values()
    ] == [
        (0.2, 7, 3),
        (0.2, 8, 3),
        (0.5, 7, 3),
        (0.5, 8, 3),
    ]
    assert list(config["models"])[-4:] == list(finetunings)


def test_seeds_make_one_group_and_the_first_represents_it():
    config = resolve_study({"grid": {"margin_gradient": ["exact", "straight_through"], "seed": [1, 2]}})
    groups = seed_groups(config["models"])
    assert groups["swept.margin_gradient_exact"] == [
        f"swept.margin_gradient_exact.seed_{seed}" for seed in (1, 2)
    ]
    assert groups["lite0"] == ["lite0"]
    assert config["compare"] == [
        ["lite0", f"swept.margin_gradient_{gradient}.seed_1"] for gradient in ("exact", "straight_through")
    ]


def test_a_grid_may_have_presets_and_its_settings_override_them():
    config = resolve_study({"m2": 0.1, "grid": {"preset": ["unicom_vlm4bio", "unicom_sop"], "epochs": [1]}})
    finetuning = config["models"]["swept.preset_unicom_sop.epochs_1"]["finetune"]
    assert (finetuning["batch_size"], finetuning["m2"], finetuning["epochs"]) == (64, 0.1, 1)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"m2": [0.3, 4]}, "config key models.swept.m2_4.finetune.m2: 4 is greater than"),
        ({"epoch": [3]}, "models.swept.epoch_3.finetune.epoch: unknown key; did you mean 'epochs'?"),
        ({"base": ["lite0"]}, "config key models.swept.finetune.grid: 'base' should not be valid"),
        ({"seed": []}, "config key models.swept.finetune.grid.seed: [] should be non-empty"),
        ({"seed": [1, 1]}, "config key models.swept.finetune.grid.seed: [1, 1] has non-unique elements"),
        ({"seed_group": ["a"]}, "config key models.swept.finetune.grid: 'seed_group' should not"),
        ({"labels": ["../etc"]}, "config key models: 'swept.labels_../etc' does not match"),
    ],
)
def test_invalid_grids_are_refused_by_key(grid, message):
    with pytest.raises(ConfigError, match=r"(?s).*") as caught:
        resolve_study({"grid": grid})
    assert message in str(caught.value)


def test_a_grid_names_its_seed_groups_itself():
    with pytest.raises(ConfigError, match="models.swept.finetune.seed_group: a grid names its seed groups"):
        resolve_study({"seed_group": "mine", "grid": {"seed": [1, 2]}})


def test_two_models_of_one_name_are_refused():
    existing = {"swept.seed_1": {"finetune": {"base": "lite0"}}}
    with pytest.raises(ConfigError, match=r"models\.swept\.finetune\.grid: 'swept\.seed_1' is already a"):
        resolve_study({"grid": {"seed": [1]}}, **existing)


def test_models_of_a_manual_seed_group_differ_only_in_their_seed():
    finetune = {"base": "lite0", "seed_group": "mine", "seed": 1}
    valid = {f"hand_{seed}": {"finetune": finetune | {"seed": seed}} for seed in (1, 2)}
    assert seed_groups(resolve_study({}, **valid)["models"])["mine"] == ["hand_1", "hand_2"]
    invalid = valid | {"hand_3": {"finetune": finetune | {"seed": 3, "epochs": 1}}}
    with pytest.raises(ConfigError, match=r"models\.hand_3\.finetune\.seed_group: 'hand_1' is in 'mine'"):
        resolve_study({}, **invalid)
    existing = {"hand_1": {"finetune": {"base": "lite0", "seed_group": "untrained"}}}
    with pytest.raises(ConfigError, match=r"models\.hand_1\.finetune\.seed_group: 'untrained' is in"):
        resolve_study({}, **existing)
