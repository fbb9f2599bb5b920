"""Failures of a training: it stops with a remedy, and what was saved before stays whole."""

import pickle
from contextlib import contextmanager

import pytest
import torch

from nearkin.encoders.encoder import load_encoder, save_encoder
from nearkin.finetune import trainer as running
from nearkin.finetune.checkpoint import load_checkpoint, save_checkpoint
from nearkin.finetune.train import train
from tests.factories import encoders as examples
from tests.factories.recipes import recipe_of
from tests.factories.training import RECIPE, bits, trained


@contextmanager
def full_disk(n_bytes):
    """A context in which no file can grow beyond `n_bytes`."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Code:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def times(factor, at):
    """The loss function, whose result in step `at` is multiplied by `factor`."""
    real, n_calls = running.margin_loss, 0

    def spoiled(*arguments):
        nonlocal n_calls
        n_calls += 1
        return real(*arguments) * (factor if n_calls == at else 1)

    return spoiled


def steep(loss):
    """A loss of the same value with an infinite gradient."""
    return loss.detach() + (loss - loss.detach()).sqrt()


@pytest.mark.parametrize(
    "at, message", [(5, "in epoch 2, step 5 the loss is nan"), (2, "in epoch 1, step 2 the loss is nan")]
)
def test_a_loss_that_is_nan_names_the_step_and_keeps_the_last_good_state(
    taught, tmp_path, monkeypatch, at, message
):  # fmt: skip
    path = tmp_path / "state"
    whole, expected = trained(taught, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(running, "margin_loss", times(float("nan"), at))
        with pytest.raises(ValueError, match=f"{message}.*lower lr, m2 or logit_scale; .*state stays"):
            trained(taught, path)
    assert path.exists() == (at > 3)  # an epoch has three steps
    again, outcome = trained(taught, path)
    assert bits(again) == bits(whole) and outcome.table.equals(expected.table)


def test_a_gradient_that_is_infinite_is_not_followed(taught, tmp_path, monkeypatch):
    real = running.margin_loss
    monkeypatch.setattr(running, "margin_loss", lambda *arguments: steep(real(*arguments)))
    with pytest.raises(ValueError, match="in epoch 1, step 1 the loss is [0-9.]+, its gradient nan long"):
        trained(taught, tmp_path / "state")


def test_weights_that_overflow_are_neither_saved_nor_kept(taught, tmp_path):
    path = tmp_path / "state"
    recipe = recipe_of(trainable="all", epochs=1, batch_size=24, lr=1e38)
    with pytest.raises(ValueError, match="embeddings are not finite after epoch 1: lower lr"):
        trained(taught, path, recipe)
    assert not path.exists()


@pytest.mark.parametrize("trainable", ["all", "head"])
def test_a_base_that_gives_other_vectors_than_it_says(taught, tmp_path, trainable):
    encoder = examples.encoder()
    encoder.description = examples.description(width=7)
    recipe = recipe_of(trainable=trainable, epochs=1, batch_size=8)
    with pytest.raises(ValueError, match="vectors of 6 numbers, but its encoder.json says 7: remove"):
        train(encoder, taught, recipe=recipe, state_path=tmp_path / "state")


def test_weights_of_another_network_or_another_model_are_named(tmp_path, monkeypatch):
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


def test_the_state_of_a_training_of_another_base_is_not_gone_on_from(taught, tmp_path):
    path = tmp_path / "state"
    trained(taught, path)
    recipes = {"recipe": RECIPE, "state_path": path}
    other, fresh = examples.encoder(seed=1), examples.encoder(seed=1)
    train(other, taught, **recipes)
    train(fresh, taught, **recipes | {"state_path": tmp_path / "fresh"})
    assert bits(other) == bits(fresh)


def test_a_state_that_other_code_left_is_not_gone_on_from(taught, tmp_path, caplog):
    path = tmp_path / "state"
    whole, _ = trained(taught, path)
    caplog.set_level("INFO")
    again = examples.encoder()
    train(again, taught, recipe=RECIPE, state_path=path, code="fixed")
    assert "is of another training; starting again" in caplog.text
    assert bits(again) == bits(whole)


@pytest.mark.parametrize("share", [0, 1e-3, 0.01, 0.5, 0.999])
def test_truncated_files_are_never_half_read(tmp_path, monkeypatch, share, caplog):
    examples.install(monkeypatch)
    weights, description, _ = examples.folder(tmp_path)
    save_checkpoint(tmp_path / "state", "k", tensors={"now/a": torch.ones(100)}, progress={})
    for path in (weights, tmp_path / "state"):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="weights.safetensors: not a whole safetensors file"):
        load_encoder(weights, description)
    assert load_checkpoint(tmp_path / "state", "k") is None
    assert "state: not a whole state, starting again" in caplog.text


def test_code_in_place_of_the_state_is_not_run(taught, tmp_path, caplog):
    path, ran = tmp_path / "state", tmp_path / "ran"
    whole, _ = trained(taught, tmp_path / "whole")
    for save in (lambda: path.write_bytes(pickle.dumps(Code(ran))), lambda: torch.save(Code(ran), path)):
        save()
        again, _ = trained(taught, path)
        assert bits(again) == bits(whole) and not ran.exists()
    assert caplog.text.count("state: not a whole state, starting again") == 2


def test_a_full_disk_names_the_state_and_leaves_the_old_one_to_go_on_from(taught, tmp_path, monkeypatch):
    path = tmp_path / "state"
    whole, expected = trained(taught, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(running, "margin_loss", times(float("nan"), 5))
        with pytest.raises(ValueError, match="step 5"):
            trained(taught, path)
    before = path.read_bytes()
    with full_disk(len(before) // 2), pytest.raises(OSError, match="state: no room to write it.*make room"):
        trained(taught, path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir() if "state" in file.name) == ["state"]
    again, outcome = trained(taught, path)
    assert bits(again) == bits(whole) and outcome.table.equals(expected.table)


def test_a_full_disk_leaves_the_old_encoder(tmp_path, monkeypatch):
    examples.install(monkeypatch)
    weights, description, _ = examples.folder(tmp_path)
    before = [path.read_bytes() for path in (weights, description)]
    with full_disk(1000), pytest.raises(OSError, match="weights.safetensors: no room to write it"):
        save_encoder(examples.tower(seed=1), examples.description(), weights, description)
    assert [path.read_bytes() for path in (weights, description)] == before
