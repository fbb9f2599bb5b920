"""Training: what is learned and kept, what is an error, and that a resumed training has the same bits."""

import json
import random
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from nearkin.encoders.encoder import load_encoder
from nearkin.finetune import feature_cache as feeding
from nearkin.finetune import train as training
from nearkin.finetune import trainer as running
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
from tests.factories.training import RECIPE, SPECIES, bits, study, taught_by, trained


def test_training_finds_the_species_that_were_hard_to_find(taught, tmp_path):
    recipe = recipe_of(trainable="all", epochs=20, batch_size=8, lr=3e-3)
    encoder, outcome = trained(taught, tmp_path / "state", recipe)
    table = outcome.table
    assert outcome.best_epoch["val_recall"] > outcome.best_epoch["val_recall_base"] + 0.2
    assert (
        table.filter(pl.col("epoch") == 20)["loss"].mean() < table.filter(pl.col("epoch") == 1)["loss"].mean()
    )
    val = taught[1]
    vectors = encoder.embed(
        val.images.read_batch(np.arange(len(val.labels)), np.zeros(len(val.labels), bool))
    )
    assert recall_at_1(vectors, val.labels, val.groups) == outcome.best_epoch["val_recall"]


def test_the_table_has_a_row_per_step_and_marks_the_kept_epoch(taught, tmp_path):
    _, outcome = trained(taught, tmp_path / "state")
    table = Training.validate(outcome.table)
    assert table["step"].to_list() == list(range(1, 10))  # 24 images, 8 a step, 3 epochs
    assert table.filter(pl.col("val_recall").is_not_null())["step"].to_list() == [3, 6, 9]
    chosen = table.filter("is_best")
    assert chosen["epoch"].to_list() == [outcome.best_epoch["epoch"]] or outcome.best_epoch["epoch"] == 0
    assert (table["head_lr"] / table["backbone_lr"] - 10).abs().max() < 1e-9


@pytest.mark.parametrize(
    "recalls, kept, chosen",
    [([0.9, 0.5, 0.9, 0.7], 0, []), ([0.1, 0.5, 0.5, 0.3], 1, [3]), ([0.1, 0.2, 0.5, 0.6], 3, [9])],
)
def test_the_earliest_best_epoch_is_kept(taught, tmp_path, monkeypatch, recalls, kept, chosen):
    recall = iter(recalls)
    monkeypatch.setattr(running, "recall_at_1", lambda *_: next(recall))
    encoder, outcome = trained(taught, tmp_path / "state")
    assert outcome.best_epoch["epoch"] == kept
    assert outcome.table.filter("is_best")["step"].to_list() == chosen
    assert (bits(encoder) == bits(examples.encoder())) == (kept == 0)


RANDOM = {
    "sample_rate": 0.5,
    "feature_sample_rate": 0.5,
    "class_sampling": "square_root",
    "augment": "rand_augment",
}


@pytest.mark.parametrize(
    "trainable, changes",
    [("all", {}), ("head", {"augment": "none", "sample_rate": 0.5}), ("all", RANDOM)],
)
@pytest.mark.parametrize("n_saves", [1, 2, 4, 9, 12])
def test_a_killed_training_goes_on_and_ends_with_the_same_bits(
    taught, tmp_path, monkeypatch, trainable, changes, n_saves
):
    """Saved after each of nine steps and each of three epochs."""
    recipe = recipe_of(trainable=trainable, epochs=3, batch_size=8, lr=3e-3, **changes)
    whole, expected = trained(taught, tmp_path / "whole", recipe)
    n_saved = 0

    def save_and_die(*arguments, **values):
        nonlocal n_saved
        save_checkpoint(*arguments, **values)
        n_saved += 1
        if n_saved == n_saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "save_checkpoint", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        train(examples.encoder(), taught, recipe=recipe, state_path=tmp_path / "state", save_seconds=0)
    monkeypatch.undo()
    again, outcome = trained(taught, tmp_path / "state", recipe)
    assert bits(again) == bits(whole)
    assert outcome.table.equals(expected.table) and outcome.best_epoch == expected.best_epoch


def test_a_state_of_another_training_or_a_damaged_one_is_ignored(taught, tmp_path, caplog):
    path = tmp_path / "state"
    _, first = trained(taught, path)
    other = recipe_of(trainable="all", epochs=3, batch_size=8, lr=3e-3, seed=2)
    _, fresh = trained(taught, tmp_path / "fresh", other)
    _, stale = trained(taught, path, other)
    assert stale.key != first.key and stale.table.equals(fresh.table)
    path.write_bytes(path.read_bytes()[:100])
    _, again = trained(taught, path, other)
    assert again.table.equals(fresh.table)


def test_a_finished_state_holds_the_last_weights_and_is_not_gone_on_from(tmp_path):
    path = tmp_path / "state"
    save_checkpoint(path, "k", tensors={"now/a": torch.ones(100)}, progress={"x": 1})
    tensors, progress = load_checkpoint(path, "k")
    assert progress == {"x": 1} and torch.equal(tensors["now/a"], torch.ones(100))
    assert load_checkpoint(path, "other") is None
    finalise_checkpoint(path, "k", {"a": torch.zeros(3)})
    assert load_checkpoint(path, "k") is None
    assert load_file(path)["last/a"].tolist() == [0, 0, 0]
    assert load_checkpoint(tmp_path / "none", "k") is None


def test_the_checkpoint_has_the_last_weights_the_encoder_the_best(taught, tmp_path):
    encoder, outcome = trained(taught, tmp_path / "state", RECIPE | {"lr": 0.1})
    saved = load_file(tmp_path / "state")
    assert outcome.best_epoch["epoch"] < RECIPE["epochs"]  # it learns too fast
    for name, value in outcome.last.items():
        assert torch.equal(value, saved[f"now/{name}"])
        assert torch.equal(encoder.tower.state_dict()[name], saved[f"best/{name}"])


def test_sampling_all_classes_trains_as_the_dense_softmax(taught, tmp_path):
    encoder, dense = trained(taught, tmp_path / "dense")
    almost = RECIPE | {"sample_rate": 0.99}  # of four classes: all
    other, sampled = trained(taught, tmp_path / "sampled", almost)
    assert np.allclose(sampled.table["loss"], dense.table["loss"], atol=1e-6)
    for name, value in encoder.tower.state_dict().items():
        assert torch.allclose(other.tower.state_dict()[name], value, atol=1e-6)


def test_accumulated_batches_are_one_large_one(taught, tmp_path):
    _, large = trained(taught, tmp_path / "large", recipe_of(trainable="all", epochs=2, batch_size=8))
    encoder, small = trained(
        taught, tmp_path / "small", recipe_of(trainable="all", epochs=2, batch_size=2, grad_accumulation=4)
    )
    assert small.table["step"].to_list() == large.table["step"].to_list()
    assert np.allclose(small.table["loss"], large.table["loss"], rtol=1e-5)
    assert np.allclose(small.table["gradient_norm"], large.table["gradient_norm"], rtol=1e-4)


def test_it_stops_when_patience_is_at_an_end_and_stays_stopped(taught, tmp_path, monkeypatch):
    recipe = recipe_of(trainable="all", epochs=9, batch_size=8, patience=2)
    recall = iter([0.1, 0.5, 0.4, 0.5, 0.9])
    monkeypatch.setattr(running, "recall_at_1", lambda *_: next(recall))
    first = trained(taught, tmp_path / "state", recipe)[1]
    again = trained(taught, tmp_path / "state", recipe)[1]
    assert first.best_epoch["epoch"] == again.best_epoch["epoch"] == 1
    assert first.table["epoch"].max() == again.table["epoch"].max() == 3


def test_gradients_are_shortened(taught, tmp_path):
    short = recipe_of(trainable="all", epochs=1, batch_size=8, max_grad_norm=1e-9)
    encoder, _ = trained(taught, tmp_path / "short", short)
    free, _ = trained(taught, tmp_path / "free", short | {"max_grad_norm": None})
    began = examples.encoder().tower.state_dict()
    moved = [
        sum(
            (value - began[name]).abs().sum().item()
            for name, value in trained_encoder.tower.state_dict().items()
        )
        for trained_encoder in (encoder, free)
    ]
    assert moved[0] < moved[1]


@pytest.mark.parametrize(
    "balance, shares", [("none", (0.8, 0.2)), ("square_root", (2 / 3, 1 / 3)), ("uniform", (0.5, 0.5))]
)
def test_how_often_classes_come(taught, balance, shares):
    train, val, _ = taught
    few = train._replace(labels=np.array([0] * 16 + [1] * 4), images=train.images)
    run = running.Trainer(
        examples.encoder(), (few, val, 2), recipe_of(trainable="all", batch_size=4, class_sampling=balance)
    )
    drawn = np.concatenate([few.labels[run._order_images(epoch)].ravel() for epoch in range(200)])
    assert np.allclose(np.bincount(drawn) / len(drawn), shares, atol=0.02)
    assert run._order_images(1).tolist() == run._order_images(1).tolist() != run._order_images(2).tolist()


def test_bf16_learns_and_keeps_its_weights_in_fp32(taught, tmp_path):
    recipe = recipe_of(trainable="all", epochs=1, batch_size=8, precision="bf16")
    encoder, outcome = trained(taught, tmp_path / "half", recipe)
    _, whole = trained(taught, tmp_path / "whole", recipe | {"precision": "fp32"})
    assert {value.dtype for value in encoder.tower.parameters()} == {torch.float32}
    assert np.allclose(outcome.table["loss"], whole.table["loss"], rtol=0.05)
    assert not outcome.table["loss"].equals(whole.table["loss"])


def test_distorted_images_depend_on_their_seed_alone():
    images = np.random.default_rng(0).integers(0, 256, (400, 16, 16, 3), dtype=np.uint8)
    first, again, other = (rand_augment(images, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == images.shape and first.dtype == np.uint8
    before = random.getstate()
    rand_augment(images, 1)
    assert random.getstate() == before


def test_fewer_images_than_a_batch_are_one_batch(taught, tmp_path):
    recipe = recipe_of(trainable="all", epochs=2, batch_size=64, lr=1e-3)
    _, outcome = trained(taught, tmp_path / "state", recipe)
    assert outcome.table["step"].to_list() == [1, 2]
    _, dropped = trained(
        taught, tmp_path / "state", recipe_of(trainable="all", epochs=1, batch_size=10, lr=1e-3)
    )
    assert len(dropped.table) == 2  # 24 images: the last four are left out


def test_without_validation_the_last_epoch_is_kept(stores, tmp_path, caplog):
    labels, splits, _ = study()
    splits = splits.with_columns(split=pl.col("split").replace("val", "test"))
    _, outcome = trained(taught_by(labels, splits, stores), tmp_path / "state")
    assert outcome.best_epoch == {"epoch": 3, "val_recall": None, "val_recall_base": None}
    assert "the last epoch will be kept" in caplog.text
    assert outcome.table["val_recall"].null_count() == 9


def test_only_training_and_validation_images_are_looked_at(taught, stores):
    labels, splits, _ = study()
    for part, split in zip(taught, ["train", "val"], strict=False):
        expected = splits.filter(pl.col("split") == split)["uuid"].sort().to_list()
        assert [uuid for uuid, *_ in part.content] == expected
    assert taught[2] == 4


def test_classes_are_the_species_with_training_images(stores, tmp_path):
    labels, splits, _ = study()
    first = labels.filter(pl.col("species") == SPECIES[0])["uuid"]
    splits = splits.with_columns(
        split=pl.when(pl.col("uuid").is_in(first.implode())).then(pl.lit("val")).otherwise("split")
    )
    train_part, val_part, n_classes = taught = taught_by(labels, splits, stores)
    assert n_classes == 3 and sorted(set(train_part.labels)) == [0, 1, 2]
    assert set(val_part.labels) == {0, 1, 2, 3}
    _, outcome = trained(taught, tmp_path / "state", RECIPE | {"class_sampling": "uniform"})
    assert outcome.best_epoch["val_recall"] is not None


@pytest.mark.parametrize(
    "change, message",
    [
        (pl.lit("Aa aa"), "24 training images: all are 'Aa aa'"),
        (pl.lit(None, dtype=pl.String), "0 training images: none has a label"),
    ],
)
def test_nothing_to_tell_apart_is_an_error(stores, change, message):
    labels, splits, _ = study()
    with pytest.raises(ValueError, match=f"nothing to learn from {message}; name other finetune.labels"):
        taught_by(labels.with_columns(species=change), splits, stores)


def test_images_of_several_sources_come_in_the_order_of_the_query(taught, stores):
    images = {uuid: store[row] for store in stores for row, uuid in enumerate(store.uuids)}
    rows, flipped = np.array([7, 0, 3, 0]), np.array([True, False, False, True])
    expected = [images[taught[0].content[row][0]] for row in rows]
    expected[0], expected[3] = expected[0][:, ::-1], expected[3][:, ::-1]
    assert len({taught[0].images.locations[row, 0] for row in rows}) == 2
    assert np.array_equal(taught[0].images.read_batch(rows, flipped), expected)


def test_a_labelled_image_without_pixels_is_named(stores):
    labels, splits, _ = study()
    gone = stores[0].uuids[0]
    splits = splits.with_columns(split=pl.lit("train"))
    with pytest.raises(ValueError, match="has a label but no pixels"):
        taught_by(labels, splits, stores[1:])
    assert gone in labels["uuid"]


def test_kept_activations_are_those_computed_each_time(taught, monkeypatch):
    tower = examples.tower()

    def before(pixels):
        return tower.trunk.stem(tower.normalise(pixels))

    rows, flipped = np.array([3, 0, 11, 3]), np.array([True, False, True, False])
    once = FrozenFeatureCache(before, taught[0].images, augment="flip", device="cpu")
    monkeypatch.setattr(feeding, "MAX_BYTES", 10)
    each_time = FrozenFeatureCache(before, taught[0].images, augment="flip", device="cpu")
    assert once.activations is not None and each_time.activations is None
    assert torch.allclose(once(rows, flipped), each_time(rows, flipped), atol=1e-6)
    mirrored = taught[0].images.read_batch([3, 3], [True, False])
    assert np.array_equal(mirrored[0], mirrored[1][:, ::-1])


def test_recall_of_validation_by_hand():
    vectors = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [1, 0.05]], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    species, groups = np.array([0, 1, 1, 0, 0]), np.array([0, 1, 2, 3, 0])
    # 0 and 4 are one group: 0 finds 1, 1 finds 4, 2 finds 3, 3 finds 2, 4 finds 1; all are wrong.
    assert recall_at_1(vectors, species, groups) == 0.0
    assert recall_at_1(vectors, species, np.arange(5)) == 2 / 5  # now 0 and 4 find each other
    assert recall_at_1(vectors, np.arange(5), groups) is None


def run_script(folder, stores, recipe):
    """The paths of the outputs of the script, run on files in `folder`."""
    labels, splits, _ = study()
    tables.write(labels, folder / "labels.parquet", Labels)
    tables.write(splits, folder / "splits.parquet", Splits)
    base = SimpleNamespace(weights=folder / "weights.safetensors", description=folder / "encoder.json")
    names = {"weights": "w.safetensors", "description": "e.json", "training": "t.parquet", "state": "state"}
    tuned = SimpleNamespace(**{key: folder / name for key, name in names.items()})
    finetune_encoder(
        base,
        folder / "labels.parquet",
        [],
        folder / "splits.parquet",
        stores,
        tuned,
        recipe=recipe_of(**recipe),
        code="code",
        encoder_threads=1,
        metadata={"dataset": "d", "model": "m"},
    )
    return tuned


@pytest.mark.parametrize("trainable", ["all", "head"])
def test_the_script_makes_an_encoder_that_says_how_it_was_made(tmp_path, stores, monkeypatch, trainable):
    examples.install(monkeypatch)
    _, _, base = examples.folder(tmp_path)
    recipe = {"trainable": trainable, "epochs": 2, "batch_size": 8, "lr": 1e-2}
    made = run_script(tmp_path, stores, recipe)
    encoder = load_encoder(made.weights, made.description)
    spec = json.loads(made.description.read_text())
    assert spec["base"] == base.fingerprint
    unchanged = trainable == "all" and spec["best_epoch"]["epoch"] == 0
    assert (encoder.fingerprint == base.fingerprint) == unchanged
    assert spec["recipe"] == {**spec["recipe"], **recipe} and spec["best_epoch"]["epoch"] in (0, 1, 2)
    assert spec["projection"] == ("projection.weight" in load_file(made.weights)) == (trainable == "head")
    assert all(name.startswith("last/") for name in load_file(made.state))
    before = [path.read_bytes() for path in vars(made).values()]
    assert [path.read_bytes() for path in vars(run_script(tmp_path, stores, recipe)).values()] == before
