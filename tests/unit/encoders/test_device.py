"""Where encoders compute, and the errors when they do not fit."""

import pytest
import torch

from nearkin.encoders import device
from nearkin.encoders.encoder import load_encoder
from tests.factories import encoders as examples


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_is_taken_and_the_cpu_is_not_taken_silently(monkeypatch, caplog, cuda, mps, chosen):
    caplog.set_level("INFO")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.choose_device().type == chosen
    assert ("computing on the CPU" in caplog.text) == (chosen == "cpu")


def test_a_model_bigger_than_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    weights, description, _ = examples.folder(tmp_path)
    monkeypatch.setattr(device, "available_memory", lambda: 1000)
    monkeypatch.setattr("nearkin.encoders.encoder.load_file", lambda path: pytest.fail("was read"))
    with pytest.raises(
        ValueError, match=r"weights\.safetensors: the model needs 0\.0 GiB of memory, but 0\.0"
    ):
        load_encoder(weights, description)
