"""The device of an encoder, and the error if its memory is too small."""

import pytest
import torch

from nearkin.encoders import device
from nearkin.encoders.encoder import load_encoder
from tests.factories import encoders as examples


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_is_chosen_and_the_cpu_is_logged(monkeypatch, caplog, cuda, mps, expected):
    caplog.set_level("INFO")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.choose_device().type == expected
    assert ("computing on the CPU" in caplog.text) == (expected == "cpu")


def test_a_model_bigger_than_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    weights, description, _ = examples.folder(tmp_path)
    monkeypatch.setattr(device, "available_memory", lambda: 1000)
    monkeypatch.setattr("nearkin.encoders.encoder.load_file", lambda path: pytest.fail("was read"))
    with pytest.raises(
        ValueError, match=r"weights\.safetensors: the model needs 0\.0 GiB of memory, but 0\.0"
    ):
        load_encoder(weights, description)
