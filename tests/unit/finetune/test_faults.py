"""A training that fails suggests a remedy and keeps the last valid checkpoint."""

import pickle
from contextlib import contextmanager

import pytest
import torch

from nearkin.encoders.encoder import load_encoder, save_encoder
from nearkin.finetune import trainer
from nearkin.finetune.checkpoint import load_checkpoint, save_checkpoint
from nearkin.finetune.train import train
from tests.factories import encoders as examples
from tests.factories.recipes import recipe_of
from tests.factories.training import RECIPE, get_weight_bytes, train_encoder


@contextmanager
def limit_file_size(n_bytes):
    """A context in which no file can grow beyond `n_bytes`."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class FileCreator:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def scale_loss(factor, at):
    """The loss function; its result in step `at` is multiplied by `factor`."""
    original_loss, n_calls = trainer.margin_loss, 0

    def compute_loss(*arguments):
        nonlocal n_calls
        n_calls += 1
        return original_loss(*arguments) * (factor if n_calls == at else 1)

    return compute_loss


def make_gradient_infinite(loss):
    """A loss of the same value with an infinite gradient."""
    return loss.detach() + (loss - loss.detach()).sqrt()


@pytest.mark.parametrize(
    "at, message", [(5, "in epoch 2, step 5 the loss is nan"), (2, "in epoch 1, step 2 the loss is nan")]
)
def test_nan_loss_names_the_step_and_keeps_the_last_checkpoint(datasets, tmp_path, monkeypatch, at, message):
    path = tmp_path / "state"
    uninterrupted_encoder, expected = train_encoder(datasets, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "margin_loss", scale_loss(float("nan"), at))
        with pytest.raises(ValueError, match=f"{message}.*lower lr, m2 or logit_scale; .*state stays"):
            train_encoder(datasets, path)
    assert path.exists() == (at > 3)  # an epoch has three steps
    encoder, outcome = train_encoder(datasets, path)
    assert get_weight_bytes(encoder) == get_weight_bytes(uninterrupted_encoder) and outcome.table.equals(
        expected.table
    )


def test_infinite_gradient_stops_the_training(datasets, tmp_path, monkeypatch):
    original_loss = trainer.margin_loss
    monkeypatch.setattr(
        trainer, "margin_loss", lambda *arguments: make_gradient_infinite(original_loss(*arguments))
    )
    with pytest.raises(ValueError, match="in epoch 1, step 1 the loss is [0-9.]+, its gradient nan long"):
        train_encoder(datasets, tmp_path / "state")


def test_overflowing_weights_are_not_saved(datasets, tmp_path):
    path = tmp_path / "state"
    recipe = recipe_of(trainable="all", epochs=1, batch_size=24, lr=1e38)
    with pytest.raises(ValueError, match="embeddings are not finite after epoch 1: lower lr"):
        train_encoder(datasets, path, recipe)
    assert not path.exists()


@pytest.mark.parametrize("trainable", ["all", "head"])
def test_wrong_width_in_encoder_json_is_an_error(datasets, tmp_path, trainable):
    encoder = examples.encoder()
    encoder.description = examples.description(width=7)
    recipe = recipe_of(trainable=trainable, epochs=1, batch_size=8)
    with pytest.raises(ValueError, match="vectors of 6 numbers, but its encoder.json says 7: remove"):
        train(encoder, datasets, recipe=recipe, state_path=tmp_path / "state")


def test_weights_of_another_architecture_or_model_are_rejected(tmp_path, monkeypatch):
    examples.install(monkeypatch)
    weights, description, _ = examples.folder(tmp_path)
    tower = examples.tower()
    tower.trunk.head = torch.nn.Linear(4 * 16, 7)
    save_encoder(tower, examples.description(), tmp_path / "wide", tmp_path / "wide.json")
    with pytest.raises(ValueError, match="wide: does not fit the architecture: 'trunk.head.weight' is of"):
        load_encoder(tmp_path / "wide", tmp_path / "wide.json")
    save_encoder(examples.tower(seed=1), examples.description(), weights, tmp_path / "other.json")
    with pytest.raises(ValueError, match="weights.safetensors: does not have the fingerprint in .*rerun"):
        load_encoder(weights, description)


def test_training_restarts_if_the_state_is_of_another_base(datasets, tmp_path):
    path = tmp_path / "state"
    train_encoder(datasets, path)
    options = {"recipe": RECIPE, "state_path": path}
    other_encoder, new_encoder = examples.encoder(seed=1), examples.encoder(seed=1)
    train(other_encoder, datasets, **options)
    train(new_encoder, datasets, **options | {"state_path": tmp_path / "fresh"})
    assert get_weight_bytes(other_encoder) == get_weight_bytes(new_encoder)


def test_training_restarts_if_other_code_wrote_the_state(datasets, tmp_path, caplog):
    path = tmp_path / "state"
    uninterrupted_encoder, _ = train_encoder(datasets, path)
    caplog.set_level("INFO")
    encoder = examples.encoder()
    train(encoder, datasets, recipe=RECIPE, state_path=path, code="fixed")
    assert "is of another training; starting again" in caplog.text
    assert get_weight_bytes(encoder) == get_weight_bytes(uninterrupted_encoder)


@pytest.mark.parametrize("share", [0, 1e-3, 0.01, 0.5, 0.999])
def test_truncated_files_are_rejected(tmp_path, monkeypatch, share, caplog):
    examples.install(monkeypatch)
    weights, description, _ = examples.folder(tmp_path)
    save_checkpoint(tmp_path / "state", "k", tensors={"now/a": torch.ones(100)}, progress={})
    for path in (weights, tmp_path / "state"):
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="weights.safetensors: not a whole safetensors file"):
        load_encoder(weights, description)
    assert load_checkpoint(tmp_path / "state", "k") is None
    assert "state: not a whole state, starting again" in caplog.text


def test_pickled_code_in_the_state_file_does_not_run(datasets, tmp_path, caplog):
    path, created_path = tmp_path / "state", tmp_path / "ran"
    uninterrupted_encoder, _ = train_encoder(datasets, tmp_path / "whole")
    for save in (
        lambda: path.write_bytes(pickle.dumps(FileCreator(created_path))),
        lambda: torch.save(FileCreator(created_path), path),
    ):
        save()
        encoder, _ = train_encoder(datasets, path)
        assert (
            get_weight_bytes(encoder) == get_weight_bytes(uninterrupted_encoder) and not created_path.exists()
        )
    assert caplog.text.count("state: not a whole state, starting again") == 2


def test_training_resumes_from_the_old_state_after_a_full_disk(datasets, tmp_path, monkeypatch):
    path = tmp_path / "state"
    uninterrupted_encoder, expected = train_encoder(datasets, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "margin_loss", scale_loss(float("nan"), 5))
        with pytest.raises(ValueError, match="step 5"):
            train_encoder(datasets, path)
    old_bytes = path.read_bytes()
    with (
        limit_file_size(len(old_bytes) // 2),
        pytest.raises(OSError, match="state: no room to write it.*make room"),
    ):
        train_encoder(datasets, path)
    assert path.read_bytes() == old_bytes
    assert sorted(file.name for file in tmp_path.iterdir() if "state" in file.name) == ["state"]
    encoder, outcome = train_encoder(datasets, path)
    assert get_weight_bytes(encoder) == get_weight_bytes(uninterrupted_encoder) and outcome.table.equals(
        expected.table
    )


def test_full_disk_keeps_the_old_encoder(tmp_path, monkeypatch):
    examples.install(monkeypatch)
    weights, description, _ = examples.folder(tmp_path)
    old_bytes = [path.read_bytes() for path in (weights, description)]
    with limit_file_size(1000), pytest.raises(OSError, match="weights.safetensors: no room to write it"):
        save_encoder(examples.tower(seed=1), examples.description(), weights, description)
    assert [path.read_bytes() for path in (weights, description)] == old_bytes
