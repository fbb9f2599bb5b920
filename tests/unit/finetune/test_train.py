"""Training improves the encoder, keeps its best epoch, and gives the same weights after it resumes."""

import json
import random
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from nearkin.encoders.encoder import load_encoder
from nearkin.finetune import feature_cache, trainer
from nearkin.finetune import train as train_module
from nearkin.finetune.augment import rand_augment
from nearkin.finetune.checkpoint import finalise_checkpoint, load_checkpoint, save_checkpoint
from nearkin.finetune.feature_cache import FrozenFeatureCache
from nearkin.finetune.train import train
from nearkin.finetune.validation import recall_at_1
from nearkin.storage import tables
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits
from nearkin.tables.training import Training
from scripts.finetune_encoder import finetune_encoder
from tests.factories import encoders as examples
from tests.factories.recipes import recipe_of
from tests.factories.training import (
    RECIPE,
    SPECIES,
    get_weight_bytes,
    make_species_datasets,
    make_study,
    train_encoder,
)


def test_training_improves_recall_and_reduces_the_loss(datasets, tmp_path):
    recipe = recipe_of(trainable="all", epochs=20, batch_size=8, lr=3e-3)
    encoder, outcome = train_encoder(datasets, tmp_path / "state", recipe)
    table = outcome.table
    assert outcome.best_epoch["val_recall"] > outcome.best_epoch["val_recall_base"] + 0.2
    assert (
        table.filter(pl.col("epoch") == 20)["loss"].mean() < table.filter(pl.col("epoch") == 1)["loss"].mean()
    )
    val = datasets[1]
    vectors = encoder.embed(
        val.images.read_batch(np.arange(len(val.labels)), np.zeros(len(val.labels), bool))
    )
    assert recall_at_1(vectors, val.labels, val.groups) == outcome.best_epoch["val_recall"]


def test_table_has_a_row_per_step_and_marks_the_best_epoch(datasets, tmp_path):
    _, outcome = train_encoder(datasets, tmp_path / "state")
    table = Training.validate(outcome.table)
    assert table["step"].to_list() == list(range(1, 10))  # 24 images, 8 a step, 3 epochs
    assert table.filter(pl.col("val_recall").is_not_null())["step"].to_list() == [3, 6, 9]
    best = table.filter("is_best")
    assert best["epoch"].to_list() == [outcome.best_epoch["epoch"]] or outcome.best_epoch["epoch"] == 0
    assert (table["head_lr"] / table["backbone_lr"] - 10).abs().max() < 1e-9


@pytest.mark.parametrize(
    "recalls, best_epoch, best_steps",
    [([0.9, 0.5, 0.9, 0.7], 0, []), ([0.1, 0.5, 0.5, 0.3], 1, [3]), ([0.1, 0.2, 0.5, 0.6], 3, [9])],
)
def test_the_earliest_best_epoch_is_kept(datasets, tmp_path, monkeypatch, recalls, best_epoch, best_steps):
    recall = iter(recalls)
    monkeypatch.setattr(trainer, "recall_at_1", lambda *_: next(recall))
    encoder, outcome = train_encoder(datasets, tmp_path / "state")
    assert outcome.best_epoch["epoch"] == best_epoch
    assert outcome.table.filter("is_best")["step"].to_list() == best_steps
    assert (get_weight_bytes(encoder) == get_weight_bytes(examples.encoder())) == (best_epoch == 0)


RANDOM_SETTINGS = {
    "sample_rate": 0.5,
    "feature_sample_rate": 0.5,
    "class_sampling": "square_root",
    "augment": "rand_augment",
}


@pytest.mark.parametrize(
    "trainable, changes",
    [("all", {}), ("head", {"augment": "none", "sample_rate": 0.5}), ("all", RANDOM_SETTINGS)],
)
@pytest.mark.parametrize("n_saves", [1, 2, 4, 9, 12])
def test_interrupted_training_resumes_to_the_same_weights(
    datasets, tmp_path, monkeypatch, trainable, changes, n_saves
):
    """The training saves after each of nine steps and each of three epochs."""
    recipe = recipe_of(trainable=trainable, epochs=3, batch_size=8, lr=3e-3, **changes)
    uninterrupted_encoder, expected = train_encoder(datasets, tmp_path / "whole", recipe)
    n_saved = 0

    def save_and_interrupt(*arguments, **values):
        nonlocal n_saved
        save_checkpoint(*arguments, **values)
        n_saved += 1
        if n_saved == n_saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(train_module, "save_checkpoint", save_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(examples.encoder(), datasets, recipe=recipe, state_path=tmp_path / "state", save_seconds=0)
    monkeypatch.undo()
    resumed_encoder, outcome = train_encoder(datasets, tmp_path / "state", recipe)
    assert get_weight_bytes(resumed_encoder) == get_weight_bytes(uninterrupted_encoder)
    assert outcome.table.equals(expected.table) and outcome.best_epoch == expected.best_epoch


def test_state_of_another_training_or_a_damaged_state_is_ignored(datasets, tmp_path, caplog):
    path = tmp_path / "state"
    _, first = train_encoder(datasets, path)
    other = recipe_of(trainable="all", epochs=3, batch_size=8, lr=3e-3, seed=2)
    _, fresh = train_encoder(datasets, tmp_path / "fresh", other)
    _, stale = train_encoder(datasets, path, other)
    assert stale.key != first.key and stale.table.equals(fresh.table)
    path.write_bytes(path.read_bytes()[:100])
    _, repeat = train_encoder(datasets, path, other)
    assert repeat.table.equals(fresh.table)


def test_final_checkpoint_has_the_last_weights_and_cannot_resume(tmp_path):
    path = tmp_path / "state"
    save_checkpoint(path, "k", tensors={"now/a": torch.ones(100)}, progress={"x": 1})
    tensors, progress = load_checkpoint(path, "k")
    assert progress == {"x": 1} and torch.equal(tensors["now/a"], torch.ones(100))
    assert load_checkpoint(path, "other") is None
    finalise_checkpoint(path, "k", {"a": torch.zeros(3)})
    assert load_checkpoint(path, "k") is None
    assert load_file(path)["last/a"].tolist() == [0, 0, 0]
    assert load_checkpoint(tmp_path / "none", "k") is None


def test_checkpoint_has_the_last_weights_and_encoder_the_best(datasets, tmp_path):
    encoder, outcome = train_encoder(datasets, tmp_path / "state", RECIPE | {"lr": 0.1})
    checkpoint = load_file(tmp_path / "state")
    assert outcome.best_epoch["epoch"] < RECIPE["epochs"]  # it learns too fast
    for name, value in outcome.last.items():
        assert torch.equal(value, checkpoint[f"now/{name}"])
        assert torch.equal(encoder.tower.state_dict()[name], checkpoint[f"best/{name}"])


def test_sampling_all_classes_trains_like_the_dense_softmax(datasets, tmp_path):
    encoder, dense = train_encoder(datasets, tmp_path / "dense")
    recipe = RECIPE | {"sample_rate": 0.99}  # of four classes: all
    other_encoder, outcome = train_encoder(datasets, tmp_path / "sampled", recipe)
    assert np.allclose(outcome.table["loss"], dense.table["loss"], atol=1e-6)
    for name, value in encoder.tower.state_dict().items():
        assert torch.allclose(other_encoder.tower.state_dict()[name], value, atol=1e-6)


def test_accumulated_batches_equal_one_large_batch(datasets, tmp_path):
    _, large = train_encoder(datasets, tmp_path / "large", recipe_of(trainable="all", epochs=2, batch_size=8))
    encoder, small = train_encoder(
        datasets, tmp_path / "small", recipe_of(trainable="all", epochs=2, batch_size=2, grad_accumulation=4)
    )
    assert small.table["step"].to_list() == large.table["step"].to_list()
    assert np.allclose(small.table["loss"], large.table["loss"], rtol=1e-5)
    assert np.allclose(small.table["gradient_norm"], large.table["gradient_norm"], rtol=1e-4)


def test_training_stops_after_patience_epochs_and_when_rerun(datasets, tmp_path, monkeypatch):
    recipe = recipe_of(trainable="all", epochs=9, batch_size=8, patience=2)
    recall = iter([0.1, 0.5, 0.4, 0.5, 0.9])
    monkeypatch.setattr(trainer, "recall_at_1", lambda *_: next(recall))
    first = train_encoder(datasets, tmp_path / "state", recipe)[1]
    repeat = train_encoder(datasets, tmp_path / "state", recipe)[1]
    assert first.best_epoch["epoch"] == repeat.best_epoch["epoch"] == 1
    assert first.table["epoch"].max() == repeat.table["epoch"].max() == 3


def test_max_grad_norm_limits_the_change_of_the_weights(datasets, tmp_path):
    recipe = recipe_of(trainable="all", epochs=1, batch_size=8, max_grad_norm=1e-9)
    limited_encoder, _ = train_encoder(datasets, tmp_path / "short", recipe)
    unlimited_encoder, _ = train_encoder(datasets, tmp_path / "free", recipe | {"max_grad_norm": None})
    initial_weights = examples.encoder().tower.state_dict()
    changes = [
        sum(
            (value - initial_weights[name]).abs().sum().item()
            for name, value in encoder.tower.state_dict().items()
        )
        for encoder in (limited_encoder, unlimited_encoder)
    ]
    assert changes[0] < changes[1]


@pytest.mark.parametrize(
    "balance, shares", [("none", (0.8, 0.2)), ("square_root", (2 / 3, 1 / 3)), ("uniform", (0.5, 0.5))]
)
def test_class_sampling_sets_the_share_of_each_class(datasets, balance, shares):
    train, val, _ = datasets
    imbalanced = train._replace(labels=np.array([0] * 16 + [1] * 4), images=train.images)
    small_trainer = trainer.Trainer(
        examples.encoder(),
        (imbalanced, val, 2),
        recipe_of(trainable="all", batch_size=4, class_sampling=balance),
    )
    labels = np.concatenate(
        [imbalanced.labels[small_trainer._order_images(epoch)].ravel() for epoch in range(200)]
    )
    assert np.allclose(np.bincount(labels) / len(labels), shares, atol=0.02)
    assert (
        small_trainer._order_images(1).tolist()
        == small_trainer._order_images(1).tolist()
        != small_trainer._order_images(2).tolist()
    )


def test_bf16_training_keeps_the_weights_in_fp32(datasets, tmp_path):
    recipe = recipe_of(trainable="all", epochs=1, batch_size=8, precision="bf16")
    encoder, outcome = train_encoder(datasets, tmp_path / "half", recipe)
    _, full = train_encoder(datasets, tmp_path / "whole", recipe | {"precision": "fp32"})
    assert {value.dtype for value in encoder.tower.parameters()} == {torch.float32}
    assert np.allclose(outcome.table["loss"], full.table["loss"], rtol=0.05)
    assert not outcome.table["loss"].equals(full.table["loss"])


def test_rand_augment_depends_on_its_seed_only():
    images = np.random.default_rng(0).integers(0, 256, (400, 16, 16, 3), dtype=np.uint8)
    first, repeat, other = (rand_augment(images, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, repeat)
    assert not np.array_equal(first, other)
    assert first.shape == images.shape and first.dtype == np.uint8
    before = random.getstate()
    rand_augment(images, 1)
    assert random.getstate() == before


def test_fewer_images_than_a_batch_form_one_batch(datasets, tmp_path):
    recipe = recipe_of(trainable="all", epochs=2, batch_size=64, lr=1e-3)
    _, outcome = train_encoder(datasets, tmp_path / "state", recipe)
    assert outcome.table["step"].to_list() == [1, 2]
    _, incomplete = train_encoder(
        datasets, tmp_path / "state", recipe_of(trainable="all", epochs=1, batch_size=10, lr=1e-3)
    )
    assert len(incomplete.table) == 2  # 24 images: the last four form no batch


def test_without_validation_the_last_epoch_is_kept(stores, tmp_path, caplog):
    labels, splits, _ = make_study()
    splits = splits.with_columns(split=pl.col("split").replace("val", "test"))
    _, outcome = train_encoder(make_species_datasets(labels, splits, stores), tmp_path / "state")
    assert outcome.best_epoch == {"epoch": 3, "val_recall": None, "val_recall_base": None}
    assert "the last epoch will be kept" in caplog.text
    assert outcome.table["val_recall"].null_count() == 9


def test_datasets_contain_only_training_and_validation_images(datasets, stores):
    labels, splits, _ = make_study()
    for part, split in zip(datasets, ["train", "val"], strict=False):
        expected = splits.filter(pl.col("split") == split)["uuid"].sort().to_list()
        assert [uuid for uuid, *_ in part.content] == expected
    assert datasets[2] == 4


def test_classes_are_the_species_with_training_images(stores, tmp_path):
    labels, splits, _ = make_study()
    first = labels.filter(pl.col("species") == SPECIES[0])["uuid"]
    splits = splits.with_columns(
        split=pl.when(pl.col("uuid").is_in(first.implode())).then(pl.lit("val")).otherwise("split")
    )
    train_part, val_part, n_classes = datasets = make_species_datasets(labels, splits, stores)
    assert n_classes == 3 and sorted(set(train_part.labels)) == [0, 1, 2]
    assert set(val_part.labels) == {0, 1, 2, 3}
    _, outcome = train_encoder(datasets, tmp_path / "state", RECIPE | {"class_sampling": "uniform"})
    assert outcome.best_epoch["val_recall"] is not None


@pytest.mark.parametrize(
    "change, message",
    [
        (pl.lit("Aa aa"), "24 training images: all are 'Aa aa'"),
        (pl.lit(None, dtype=pl.String), "0 training images: none has a label"),
    ],
)
def test_fewer_than_two_classes_is_an_error(stores, change, message):
    labels, splits, _ = make_study()
    with pytest.raises(ValueError, match=f"nothing to learn from {message}; name other finetune.labels"):
        make_species_datasets(labels.with_columns(species=change), splits, stores)


def test_batches_from_several_caches_keep_the_requested_order(datasets, stores):
    images = {uuid: store[row] for store in stores for row, uuid in enumerate(store.uuids)}
    rows, is_flipped = np.array([7, 0, 3, 0]), np.array([True, False, False, True])
    expected = [images[datasets[0].content[row][0]] for row in rows]
    expected[0], expected[3] = expected[0][:, ::-1], expected[3][:, ::-1]
    assert len({datasets[0].images.locations[row, 0] for row in rows}) == 2
    assert np.array_equal(datasets[0].images.read_batch(rows, is_flipped), expected)


def test_labelled_image_without_pixels_is_an_error(stores):
    labels, splits, _ = make_study()
    missing_uuid = stores[0].uuids[0]
    splits = splits.with_columns(split=pl.lit("train"))
    with pytest.raises(ValueError, match="has a label but no pixels"):
        make_species_datasets(labels, splits, stores[1:])
    assert missing_uuid in labels["uuid"]


def test_cached_features_equal_recomputed_features(datasets, monkeypatch):
    tower = examples.tower()

    def compute_frozen(pixels):
        return tower.trunk.stem(tower.normalise(pixels))

    rows, is_flipped = np.array([3, 0, 11, 3]), np.array([True, False, True, False])
    in_memory = FrozenFeatureCache(compute_frozen, datasets[0].images, augment="flip", device="cpu")
    monkeypatch.setattr(feature_cache, "MAX_BYTES", 10)
    recomputing = FrozenFeatureCache(compute_frozen, datasets[0].images, augment="flip", device="cpu")
    assert in_memory.activations is not None and recomputing.activations is None
    assert torch.allclose(in_memory(rows, is_flipped), recomputing(rows, is_flipped), atol=1e-6)
    pair = datasets[0].images.read_batch([3, 3], [True, False])
    assert np.array_equal(pair[0], pair[1][:, ::-1])


def test_validation_recall_equals_values_computed_by_hand():
    vectors = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [1, 0.05]], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    species, groups = np.array([0, 1, 1, 0, 0]), np.array([0, 1, 2, 3, 0])
    # 0 and 4 are one group. Nearest neighbours: 0 -> 1, 1 -> 4, 2 -> 3, 3 -> 2, 4 -> 1; all are incorrect.
    assert recall_at_1(vectors, species, groups) == 0.0
    assert recall_at_1(vectors, species, np.arange(5)) == 2 / 5  # now 0 and 4 are nearest neighbours
    assert recall_at_1(vectors, np.arange(5), groups) is None


def run_script(folder, stores, recipe):
    """Run the script on files in `folder`, and return the paths of its outputs."""
    labels, splits, _ = make_study()
    tables.write(labels, folder / "labels.parquet", Labels)
    tables.write(splits, folder / "splits.parquet", Splits)
    base = SimpleNamespace(weights=folder / "weights.safetensors", description=folder / "encoder.json")
    names = {"weights": "w.safetensors", "description": "e.json", "training": "t.parquet", "state": "state"}
    outputs = SimpleNamespace(**{key: folder / name for key, name in names.items()})
    finetune_encoder(
        base,
        folder / "labels.parquet",
        [],
        folder / "splits.parquet",
        stores,
        outputs,
        recipe=recipe_of(**recipe),
        code="code",
        encoder_threads=1,
        metadata={"dataset": "d", "model": "m"},
    )
    return outputs


@pytest.mark.parametrize("trainable", ["all", "head"])
def test_script_describes_the_training_of_its_encoder(tmp_path, stores, monkeypatch, trainable):
    examples.install(monkeypatch)
    _, _, base = examples.folder(tmp_path)
    recipe = {"trainable": trainable, "epochs": 2, "batch_size": 8, "lr": 1e-2}
    outputs = run_script(tmp_path, stores, recipe)
    encoder = load_encoder(outputs.weights, outputs.description)
    spec = json.loads(outputs.description.read_text())
    assert spec["base"] == base.fingerprint
    is_unchanged = trainable == "all" and spec["best_epoch"]["epoch"] == 0
    assert (encoder.fingerprint == base.fingerprint) == is_unchanged
    assert spec["recipe"] == {**spec["recipe"], **recipe} and spec["best_epoch"]["epoch"] in (0, 1, 2)
    assert spec["projection"] == ("projection.weight" in load_file(outputs.weights)) == (trainable == "head")
    assert all(name.startswith("last/") for name in load_file(outputs.state))
    before = [path.read_bytes() for path in vars(outputs).values()]
    assert [path.read_bytes() for path in vars(run_script(tmp_path, stores, recipe)).values()] == before
