"""The work of a stage equals values computed by hand."""

import pytest

from nearkin.estimate import stages
from nearkin.estimate.stages import Network, Size

CONFIG = {
    "shards": 4,
    "preprocessing": {"small": {"size": 10}},
    "search": {"query_chunks": 3, "protocols": ["leave_one_out", "train_gallery"], "n_neighbours": 50},
    "models": {"clip": {}, "tuned": {"finetune": {"base": "clip", "epochs": 8, "train_fraction": 0.5}}},
}
SIZE = Size(125, {"train": 100, "test": 20, "unseen_species": 5})


def test_one_fold_is_the_test_split():
    split = {"train": 0.5, "val": 0.25, "test": 0.25, "held_out_species": 0.0, "folds": 5}
    n_by_split = stages.count_by_split(300, split)
    assert {name: round(n) for name, n in n_by_split.items()} == {
        "train": 160,
        "val": 80,
        "test": 60,
        "unseen_species": 0,
    }


def test_search_depth_is_limited_by_the_size_of_the_gallery():
    counts = stages.count_search(SIZE.splits, ["leave_one_out", "train_gallery"], depth=50)
    assert counts == (40, 2400, 20 * 20 + 20 * 50)


@pytest.mark.parametrize(
    ("rule", "model", "n_units", "n_parts"),
    [
        ("inspect_images", "", 125, 4),
        ("embed_images", "clip", 125, 4),
        ("finetune_encoder", "tuned", 100 * 0.5 * 8, 1),
        ("search_neighbours", "clip", 20 * 20 + 20 * 100, 3),
        ("prepare_encoder", "clip", 1, 1),
        ("clean_labels", "", 125, 1),
    ],
)
def test_units_and_parts_of_a_stage_equal_hand_computed_values(rule, model, n_units, n_parts):
    assert stages.count_units(rule, model, SIZE, CONFIG) == n_units
    assert stages.count_parts(rule, CONFIG) == n_parts


def test_output_bytes_of_a_stage_equal_hand_computed_values():
    n_bytes = {
        (rule, model): stages.count_bytes(rule, model, SIZE, CONFIG, Network(width=6, n_parameters=1000))
        for rule, model in [
            ("cache_pixels", "small"),
            ("embed_images", "clip"),
            ("prepare_encoder", "clip"),
            ("search_neighbours", "clip"),
            ("clean_labels", ""),
        ]
    }
    assert list(n_bytes.values()) == [125 * 300, 125 * 24, 4000, 2 * 12 * 1400, 0]
    assert stages.count_bytes("embed_images", "clip", SIZE, CONFIG, Network()) == 0


def test_models_of_one_network_are_alike_in_speed():
    settings = {"base": "clip", "trainable": "head", "augment": "flip"}
    models = {
        "clip": {},
        "other": {},
        "a": {"finetune": settings},
        "b": {"finetune": settings | {"base": "a"}},
        "c": {"finetune": settings | {"augment": "rand_augment"}},
    }
    assert stages.find_alike("embed_images", "b", models) == ["clip", "a", "b", "c"]
    assert stages.find_alike("finetune_encoder", "b", models) == ["a", "b"]
    assert stages.find_alike("search_neighbours", "other", models) == ["other"]
    assert stages.find_alike("cache_pixels", "small", models) == ["small"]
